"""Claude is started anew, with its conversation, when it has grown too big or too old or was updated: at a calm moment."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from ccmux import steady
from ccmux.core.lifecycle import Life, Lifecycle
from ccmux.core.sources import Pane
from ccmux.daemon.session import Session
from ccmux.processes import memory

log = logging.getLogger(__name__)

WEIGHED_EVERY: Final = 60.0
"""Seconds between two looks at Claude's memory and age."""


class Renewal:
    """Of one session."""

    def __init__(self, session: Session, life: Lifecycle) -> None:
        self._session = session
        self._life = life
        self._weighed_at = -WEIGHED_EVERY
        self._wanted = ""

    def want(self, why: str) -> None:
        """At the next calm moment."""
        self._wanted = why

    @property
    def done(self) -> bool:
        """Whether what was wanted has been done, and Claude is ready."""
        return not self._wanted and self._life.life is Life.READY

    async def carry_out(self, pane: Pane, now: float) -> bool:
        """To be called while nobody and nothing needs Claude; True when it was ended, to be started again."""
        if not self._wanted and now < self._weighed_at + WEIGHED_EVERY:
            return False
        self._weighed_at = now
        why = self._wanted or self._life.too_old(now, await asyncio.to_thread(memory, pane.pid))
        if not why:
            return False
        self._wanted = ""
        log.info("Claude is started anew, with its conversation: %s", why)
        if await self._session.end_claude():
            self._life.ended_by_us(steady.now())
        return True
