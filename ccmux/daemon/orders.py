"""What a person orders of an instance: pause and go on, stop the running turn, clear or compact the conversation."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import deque
from enum import StrEnum
from typing import Final

from ccmux.core.budget import REASON
from ccmux.core.envelope import envelope_id
from ccmux.core.events import Looked
from ccmux.daemon.hub import Hub
from ccmux.daemon.session import Session
from ccmux.errors import JournalError, Refused
from ccmux.journal import approvals, meta
from ccmux.journal.database import Database

log = logging.getLogger(__name__)

WITHIN: Final = 10.0
"""Seconds in which an order must find a calm moment."""
_TRIES: Final = 5
_PAUSED: Final = "paused"


class Typed(StrEnum):
    """Claude's own commands that may be ordered; nothing else with a slash is ever typed."""

    CLEAR = "/clear"
    COMPACT = "/compact"


class Orders:
    """Of one instance. Each is written into the audit with its author."""

    def __init__(self, session: Session, db: Database, hub: Hub) -> None:
        self._session = session
        self._db = db
        self._hub = hub
        self._waiting: deque[tuple[Typed, asyncio.Future[None]]] = deque()

    async def load(self) -> None:
        """A pause outlives the daemon."""
        self._hub.paused = await self._db.read(lambda db: meta.get(db, _PAUSED))

    async def pause(self, who: str) -> None:
        """Nothing is typed from now on, everything is kept. Twice is once."""
        await self._set(who, who)

    async def resume(self, who: str) -> None:
        """Go on. Harmless when it is not paused."""
        await self._set("", who)

    async def _set(self, paused: str, who: str) -> None:
        def work(db: sqlite3.Connection) -> None:
            meta.put(db, _PAUSED, paused)
            approvals.note(db, approvals.Audited(time.time(), who, _PAUSED if paused else "resumed", "", ""))

        await self._db.run(work)
        self._hub.paused = paused
        self._hub.change()

    async def interrupt(self, who: str) -> None:
        """Stop the running turn, as Esc does. Raises Refused when nothing runs."""
        for _ in range(_TRIES):
            await self._session.look()
            registered = self._session.registered()
            if registered is None or registered.status in ("idle", "shell"):
                raise Refused("no turn is running")
            if await self._session.escape():
                await self._note(who, "interrupted")
                return
        raise Refused("somebody types in the terminal just now", fix="try again")

    async def have_typed(self, what: Typed, who: str) -> None:
        """Have Claude clear or compact its conversation, between two messages. Raises Refused when no calm moment comes."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        order = (what, done)
        self._waiting.append(order)
        self._hub.orders = len(self._waiting)
        self._hub.change()
        try:
            async with asyncio.timeout(WITHIN):
                await done
        except TimeoutError:
            reading = self._hub.reading
            raise Refused(
                f"{what} found no calm moment within {WITHIN:.0f} s ({reading.state} {reading.reason})".rstrip(),
                fix="ccmux interrupt NAME stops a turn",
            ) from None
        finally:
            if order in self._waiting:
                self._waiting.remove(order)
            self._hub.orders = len(self._waiting)
        await self._note(who, str(what))

    async def carry_out(self, looked: Looked) -> bool:
        """Called at every look while no message is in flight; True when something was typed."""
        if not self._waiting or not looked.idle or looked.box is None:
            return False
        if looked.blocked == "draft" and envelope_id(looked.box) and looked.generation is not None:
            return await self._session.clear_left_over(looked.generation)
        if looked.box or looked.blocked not in ("", _PAUSED, REASON):
            return False
        what, done = order = self._waiting.popleft()
        if not await self._session.command(what):
            if not done.done():
                self._waiting.appendleft(order)
            return True
        log.info("%s was typed", what)
        if not done.done():
            done.set_result(None)
        return True

    async def _note(self, who: str, what: str) -> None:
        """After the deed: a disk that does not take the note undoes nothing."""
        line = approvals.Audited(time.time(), who, what, "", "")
        try:
            await self._db.run(lambda db: approvals.note(db, line))
        except JournalError as error:
            log.error("%s by %s stands in no audit: %s", what, who, error)  # noqa: TRY400 - the sentence says it all
