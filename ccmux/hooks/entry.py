"""Run by Claude Code at every hook: `python -I -S entry.py SPOOL`. Standard library only, and little of it.

The payload on stdin is written to the spool directory (fsync, then rename), where the daemon, now or later, finds it.
With `--gate FILE` it passes the gate of `ccmux.hooks.gate` instead.
Ends with 0 whatever happens, so that Claude never waits for us or is stopped by us.
"""

import os
import sys
import time

PASSES_WITHIN = 0.8
"""Seconds after which a tool goes on although the gate is held: its daemon holds it for half a second at most, or hangs."""


def main(spool: str, data: bytes | None = None) -> None:
    """Write the data, or else stdin, to `spool/<time>-<pid>.json`, whole or not at all."""
    name = f"{time.time_ns():020d}-{os.getpid()}"
    temporary = os.path.join(spool, "." + name)  # noqa: PTH118 - pathlib would double the cost of a hook
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        for piece in iter(lambda: os.read(0, 1 << 20), b"") if data is None else [data]:
            view = memoryview(piece)
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


def pass_gate(gate: str) -> None:
    """Wait until the daemon presses no key, and leave the time. No gate, no daemon: pass."""
    import fcntl  # noqa: PLC0415 - paid for only here

    try:
        fd = os.open(gate, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    give_up = time.monotonic() + PASSES_WITHIN
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                break
            time.sleep(0.005)
        else:
            break
    os.utime(fd)
    os.close(fd)


if __name__ == "__main__":
    try:
        if sys.argv[1] == "--gate":
            pass_gate(sys.argv[2])
        else:
            main(sys.argv[1])
    except OSError as error:
        try:
            os.write(2, f"ccmux hook: {error}\n".encode())
        except OSError:
            os._exit(0)  # nobody to tell, and Claude must not be stopped by it
