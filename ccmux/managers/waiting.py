"""Wait for a condition that nobody tells of."""

from __future__ import annotations

import time
from collections.abc import Callable

from ccmux.errors import WaitTimedOut


def until(condition: Callable[[], bool], within: float, what: str) -> None:
    """Return once it holds. Raises WaitTimedOut, which says `what`, after `within` seconds."""
    give_up, pause = time.monotonic() + within, 0.01
    while not condition():
        if time.monotonic() > give_up:
            raise WaitTimedOut(f"{what} within {within:g} s", fix="ccmux doctor")
        time.sleep(pause)
        pause = min(0.1, pause * 1.3)
