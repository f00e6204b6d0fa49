"""`python -m ccmux.managers.keeper NAME`: start the daemon again when it dies, where no manager of services does that.

It imports next to nothing: it stays as long as the daemon does. It ends with a daemon that ended by order, or that cannot
run as things are; a person then starts it again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Final

from ccmux.errors import CcmuxError, Locked, NoSuchInstance, UsageError
from ccmux.locks import await_free, held, lock
from ccmux.paths import InstancePaths

_FOR_GOOD: Final = (0, UsageError.exit_code, NoSuchInstance.exit_code, Locked.exit_code)
"""Exit codes after which another try would end alike: by order, wrong configuration, no instance, another daemon."""
_BEGINS_WITHIN: Final = 5.0
"""A first daemon that dies within so many seconds did not start: whoever asked is told, and nothing is tried again."""
_STEADY: Final = 300.0
"""Seconds of life after which the next death counts as the first."""
_LONGEST: Final = 30.0
_MOST_SAID: Final = 1_000_000
"""Bytes of what dead daemons said on stderr; of more, the older go."""


class Keeper:
    """Of one instance."""

    def __init__(self, paths: InstancePaths) -> None:
        self._paths = paths
        self._daemon = 0
        self._ending = False
        self._awake = False
        self._waiting = False

    def run(self) -> int:
        """Until the daemon ends for good; its exit code."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGUSR1, self._wake)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        pause, first = 1.0, True
        self._outlive()
        while True:
            began = time.monotonic()
            code = self._one()
            lived = time.monotonic() - began
            if code in _FOR_GOOD or self._ending or (first and code > 0 and lived < _BEGINS_WITHIN):
                return code
            first = False
            pause = 1.0 if lived > _STEADY else pause
            self._rest(pause)
            if self._ending:
                return 0
            pause = min(_LONGEST, pause * 2)

    def _outlive(self) -> None:
        """A daemon may live whose keeper was killed: begin when it has ended."""
        if held(self._paths.lock):
            self._waiting = True
            await_free(self._paths.lock)
            self._waiting = False

    def _one(self) -> int:
        """One life of a daemon; how it ended."""
        if os.fstat(2).st_size > _MOST_SAID:
            os.ftruncate(2, 0)
        argv = [sys.executable, "-m", "ccmux", "run", self._paths.name]
        self._daemon = os.posix_spawn(sys.executable, argv, os.environ, setsigdef=[signal.SIGTERM, signal.SIGHUP])
        if self._ending:  # told in between
            os.kill(self._daemon, signal.SIGTERM)
        _, status = os.waitpid(self._daemon, 0)
        self._daemon = 0
        return os.waitstatus_to_exitcode(status)

    def _rest(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        self._awake = False
        while not self._ending and not self._awake and (left := over - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))

    def _wake(self, *_: object) -> None:
        """A person wants the daemon now."""
        self._awake = True

    def _end(self, *_: object) -> None:
        """Told to end: the daemon first."""
        self._ending = True
        if self._waiting:
            sys.exit(0)
        if self._daemon:
            os.kill(self._daemon, signal.SIGTERM)


def keep(name: str) -> int:
    """Keep the daemon of the instance; 75 when another keeper does."""
    paths = InstancePaths.of(name)
    try:
        with lock(paths.keeper_lock):
            return Keeper(paths).run()
    except CcmuxError as error:
        sys.stderr.write(f"ccmux: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1]))
