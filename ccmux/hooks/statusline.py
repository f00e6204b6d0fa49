"""Run by Claude Code as its status line, after every message of the model: `python -I -S statusline.py SPOOL [COMMAND]`.

What Claude tells there of the cost is written to the spool, where the daemon, now or later, finds it. Nothing is printed, so
that the screen stays as it is without a status line; COMMAND is the person's own, which gets and prints what it would have
without us.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - isolated mode leaves it out

from entry import main as keep  # type: ignore[import-not-found]


def main(spool: str, command: str) -> None:
    """Keep what is on stdin; then become the person's command, if there is one."""
    data = sys.stdin.buffer.read()
    try:
        keep(spool, data)
    except OSError as error:
        os.write(2, f"ccmux status line: {error}\n".encode())
    if command:
        import tempfile  # noqa: PLC0415 - paid for only here

        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            file.seek(0)
            os.dup2(file.fileno(), 0)
            os.execv("/bin/sh", ["sh", "-c", command])  # noqa: S606 - what the person configured, as Claude would run it


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")  # noqa: PLR2004 - the command is the second
    except OSError:
        os._exit(0)  # a terminal that is gone, say: Claude must not be disturbed by it
