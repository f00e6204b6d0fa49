"""Run by Claude Code at every hook: `python -I -S entry.py SPOOL`. Standard library only, and little of it.

The payload on stdin is written to the spool directory (fsync, then rename), where the daemon, now or later, finds it.
Ends with 0 whatever happens, so that Claude never waits for us or is stopped by us.
"""

import os
import sys
import time


def main(spool: str) -> None:
    """Write stdin to `spool/<time>-<pid>.json`, whole or not at all."""
    name = f"{time.time_ns():020d}-{os.getpid()}"
    temporary = os.path.join(spool, "." + name)  # noqa: PTH118 - pathlib would double the cost of a hook
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        while data := os.read(0, 1 << 20):
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
        os.fsync(fd)
    except OSError:
        os.unlink(temporary)  # noqa: PTH108
        raise
    finally:
        os.close(fd)
    os.rename(temporary, os.path.join(spool, name + ".json"))  # noqa: PTH104, PTH118
    directory = os.open(spool, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OSError as error:
        try:
            os.write(2, f"ccmux hook: {error}\n".encode())
        except OSError:
            os._exit(0)  # nobody to tell, and Claude must not be stopped by it
