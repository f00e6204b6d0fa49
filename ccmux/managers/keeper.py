"""`python -m ccmux.managers.keeper NAME [--gateway]`: start the daemon of an instance, or a gateway, again when it dies, where
no manager of services does that.

It imports next to nothing: it stays as long as the process does. It ends with one that ended by order, or that cannot run as
things are; a person then starts it again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Final

from ccmux.errors import CcmuxError, Locked, NoSuchInstance, UsageError
from ccmux.locks import await_free, held, lock
from ccmux.managers import kept
from ccmux.managers.kept import Kept
from ccmux.paths import InstancePaths

_FOR_GOOD: Final = (0, UsageError.exit_code, NoSuchInstance.exit_code, Locked.exit_code)
"""Exit codes after which another try would end alike: by order, wrong configuration, no instance, another one."""
_BEGINS_WITHIN: Final = 5.0
"""A first one that dies within so many seconds did not start: whoever asked is told, and nothing is tried again."""
_STEADY: Final = 300.0
"""Seconds of life after which the next death counts as the first."""
_LONGEST: Final = 30.0
_MOST_SAID: Final = 1_000_000
"""Bytes of what dead ones said on stderr; of more, the older go."""


class Keeper:
    """Of one process."""

    def __init__(self, of: Kept) -> None:
        self._kept = of
        self._pid = 0
        self._ending = False
        self._awake = False
        self._waiting = False

    def run(self) -> int:
        """Until it ends for good; its exit code."""
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
        """One may live whose keeper was killed: begin when it has ended."""
        if held(self._kept.lock):
            self._waiting = True
            await_free(self._kept.lock)
            self._waiting = False

    def _one(self) -> int:
        """One life; how it ended."""
        if os.fstat(2).st_size > _MOST_SAID:
            os.ftruncate(2, 0)
        argv = [sys.executable, "-m", "ccmux", *self._kept.words]
        self._pid = os.posix_spawn(sys.executable, argv, os.environ, setsigdef=[signal.SIGTERM, signal.SIGHUP])
        if self._ending:  # told in between
            os.kill(self._pid, signal.SIGTERM)
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)

    def _rest(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        self._awake = False
        while not self._ending and not self._awake and (left := over - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))

    def _wake(self, *_: object) -> None:
        """A person wants it now."""
        self._awake = True

    def _end(self, *_: object) -> None:
        """Told to end: what it keeps first."""
        self._ending = True
        if self._waiting:
            sys.exit(0)
        if self._pid:
            os.kill(self._pid, signal.SIGTERM)


def keep(of: Kept) -> int:
    """Keep it alive; 75 when another keeper does."""
    try:
        with lock(of.keeper_lock):
            return Keeper(of).run()
    except CcmuxError as error:
        sys.stderr.write(f"ccmux: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(
        keep(kept.gateway(sys.argv[1]) if "--gateway" in sys.argv[2:] else kept.daemon(InstancePaths.of(sys.argv[1])))
    )
