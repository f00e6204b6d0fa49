"""The double of Claude, in the weather: it can be made to hang, and its clock may be off as the daemon's is.

SIGSTOP is no way to hold a process in a pane: tmux continues it at once. So it stands still from SIGUSR1 to SIGUSR2, and
while it does there is a file `still` in $CCMUX_WEATHER. `clock` there holds the seconds by which the wall clock is off.
"""

from __future__ import annotations

import os
import signal
import sys
import time

_SCRIPT = """\
#!{python} -IS
import sys
sys.path.insert(0, {root!r})
from tests.weather.claude import main
main()
"""


def script(root: str) -> str:
    """A program that is this double."""
    return _SCRIPT.format(python=sys.executable, root=root)


def main() -> None:
    weather = os.environ.get("CCMUX_WEATHER", "/nonexistent")
    still = os.path.join(weather, "still")
    true_time = time.time

    def off() -> float:
        try:
            with open(os.path.join(weather, "clock"), encoding="ascii") as clock:
                return float(clock.read())
        except FileNotFoundError:
            return 0.0

    def stand(*_: object) -> None:
        with open(still, "x", encoding="ascii"):
            signal.sigwait({signal.SIGUSR2})
        os.unlink(still)

    time.time = lambda: true_time() + off()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    signal.signal(signal.SIGUSR1, stand)

    from tests.double import claude

    claude._LONG_TURNS = 0.0  # every turn takes as long as the test says
    claude.main()
