"""What the running turn does, as one message that is edited and goes when the answer comes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from functools import partial
from typing import Any, Final

from ccmux.errors import CcmuxError
from ccmux.gateways.base import Transport
from ccmux.gateways.instances import Watching
from ccmux.gateways.say import Say
from ccmux.gateways.spool import acts
from ccmux.gateways.spool import heard as kept_ones
from ccmux.gateways.spool.heard import Kept
from ccmux.gateways.words import Draft, Priority, Progress, Verb
from ccmux.journal.database import Database

log = logging.getLogger(__name__)

_AFTER: Final = 3.0
"""Seconds of a turn before it is worth a message."""
_EVERY: Final = 1.2
"""Seconds between two edits."""
_AGAIN: Final = 2.0
_WORTH: Final = 60.0
"""Seconds after which it need not be said any more."""


class Follow:
    """Watches one instance as long as it works for us, and costs nothing else."""

    def __init__(self, instance: str, db: Database, transport: Transport, say: Say) -> None:
        self._instance = instance
        self._db = db
        self._transport = transport
        self._say = say
        self._changed = asyncio.Event()
        self._latest: dict[str, Any] = {}
        self._posted: dict[str, tuple[str, tuple[str, ...]]] = {}
        """name of the message -> the act that posted its progress, and what it says"""

    def kick(self) -> None:
        """Something was taken, or answered."""
        self._changed.set()

    async def run(self, *, wanted: bool) -> None:
        """Until nothing of ours is with the instance; progress that nobody needs any more is taken away."""
        while await self._running():
            try:
                async with Watching(self._instance) as watching, asyncio.TaskGroup() as group:
                    listening = group.create_task(self._listen(watching))
                    await self._follow(wanted=wanted)
                    listening.cancel()
            except* CcmuxError as errors:
                log.debug("%s cannot be watched: %s", self._instance, errors.exceptions[0])
                await asyncio.sleep(_AGAIN)

    async def _running(self) -> bool:
        running = await self._db.read(lambda db: kept_ones.running(db, self._instance))
        await self._sweep({one.name for one in running})
        return bool(running)

    async def _listen(self, watching: Watching) -> None:
        while True:
            self._latest = await watching.next()
            self._changed.set()

    async def _follow(self, *, wanted: bool) -> None:
        while True:
            self._changed.clear()
            if not await self._running():
                return
            activity = self._latest.get("activity") or {}
            message = str(activity.get("message_id", ""))
            left = activity.get("since", 0.0) + _AFTER - time.time() if message and wanted else None
            if left is not None and left <= 0:
                left = None
                kept = await self._db.read(partial(kept_ones.of_message, instance=self._instance, message_id=message))
                if kept is not None and kept.state == "taken":
                    await self._show(kept, activity)
                    await asyncio.sleep(_EVERY)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()

    async def _show(self, kept: Kept, activity: dict[str, Any]) -> None:
        lines = tuple(str(one) for one in activity.get("lines", ()))
        known = self._posted.get(kept.name)
        if not lines or (known is not None and known[1] == lines):
            return
        drafts = self._transport.drafts(Progress(lines))
        if not drafts or not self._transport.caps.edits:
            return
        draft = drafts[0]

        def work(db: sqlite3.Connection) -> str:
            now = time.time()
            say = partial(
                acts.put,
                db,
                place=self._say.place_of(kept),
                now=now,
                name=kept.name,
                instance=self._instance,
                priority=Priority.PROGRESS,
                expires_at=now + _WORTH,
            )
            if known is None:
                return say(draft)
            edit, target = Draft(Verb.EDIT, draft.body, draft.plain), acts.OF_ACT + known[0]
            if not acts.replace_waiting(db, target, edit, now):
                say(edit, target=target)
            return known[0]

        self._posted[kept.name] = (await self._db.insist(work), lines)
        self._say.kick()

    async def _sweep(self, running: set[str]) -> None:
        """Take away the progress of what has ended, also what another process had posted."""

        def work(db: sqlite3.Connection) -> int:
            now, count = time.time(), 0
            for row in acts.progress_of(db, self._instance):
                if row.name not in running:
                    count += 1
                    acts.take_away(db, row, now)
            return count

        if await self._db.insist(work):
            self._say.kick()
        self._posted = {name: posted for name, posted in self._posted.items() if name in running}
