"""A person at a terminal: attaches as people do, presses keys, leaves."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from pathlib import Path


class Person:
    """A tmux client on a pseudo-terminal of its own; the guard of tmux sees its keys."""

    def __init__(self, socket: Path, environment: dict[str, str]) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            argv = ["tmux", "-S", str(socket), "attach"]
            try:
                os.execvpe(argv[0], argv, environment)  # noqa: S606 - an argv list of our own
            finally:
                os._exit(127)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 46, 160, 0, 0))

    def press(self, keys: str, pause: float = 0.05) -> None:
        """Type the keys one after another."""
        for key in keys:
            self.watch(pause)
            try:
                os.write(self._fd, key.encode())
            except OSError:
                return

    def watch(self, seconds: float) -> None:
        """Look at the screen; what is not read would hold tmux up."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self._fd], [], [], left)
            try:
                if ready and not os.read(self._fd, 65536):
                    return
            except OSError:
                return

    def leave(self) -> None:
        """Close the terminal."""
        os.close(self._fd)
        for number in (signal.SIGHUP, signal.SIGCONT, signal.SIGKILL):
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                break
            if _reaped(self.pid, 0.5):
                return
        _reaped(self.pid, 5.0)


def _reaped(pid: int, within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    return False
