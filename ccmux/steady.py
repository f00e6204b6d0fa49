"""A clock that never goes back and does not stand still while the machine sleeps.

`time.monotonic` stops in a suspend of Linux: what was to be done in an hour would be done an hour after waking.
"""

from __future__ import annotations

import time
from typing import Final

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""On macOS CLOCK_MONOTONIC goes on in sleep, and there is no other (clock_gettime(3) of either system)."""


def now() -> float:
    """Seconds since some moment of this boot."""
    return time.clock_gettime(_CLOCK)
