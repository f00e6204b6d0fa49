"""So many calls a minute, over all who share it: a bucket of permits."""

from __future__ import annotations

import asyncio

from ccmux import steady


class Pace:
    """`burst` at once, then `per_minute`."""

    def __init__(self, per_minute: float = 50.0, burst: int = 20) -> None:
        self._every = 60.0 / per_minute
        self._burst = burst
        self._next = 0.0
        """when the bucket was, or will be, full but for one"""

    async def turn(self) -> None:
        """Returns when one more call may be made."""
        now = steady.now()
        self._next = max(self._next, now - self._every * (self._burst - 1)) + self._every
        await asyncio.sleep(max(self._next - self._every - now, 0.0))
