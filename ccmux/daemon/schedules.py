"""Says at its time what a schedule says: first into the journal, then that it did.

A message has its due time in its key, so a daemon that was killed in between fires again, and nothing comes of it. A line
on a channel and the mark are one transaction.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from msgspec.structs import replace

from ccmux import steady
from ccmux.core.days import Zone, zone_of
from ccmux.core.schedule import dealt_with, due
from ccmux.daemon.hub import Hub
from ccmux.daemon.intake import Intake
from ccmux.errors import JournalError, Refused, UsageError
from ccmux.journal import outbox, schedules
from ccmux.journal.database import Database
from ccmux.journal.schedules import Mark
from ccmux.model.ids import ChannelName, MessageId, new_message_id
from ccmux.model.instance import CLAUDE, Briefing, InstanceSpec, ScheduleSpec
from ccmux.model.message import Reply
from ccmux.paths import InstancePaths

log = logging.getLogger(__name__)

LOOK: Final = 5.0
"""Seconds between two looks at most: no timer tells that the machine slept or that the clock was set."""
_STEP: Final = 5.0
"""Seconds by which the wall clock may leave the steady one between two looks before the log tells."""
CHANNEL: Final = ChannelName("schedule")
"""The channel of what is said to Claude; its answers are on `out.schedule`."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said now, by whom and where, and what the journal must keep of it for the next one."""

    text: str
    sender: str
    to: str
    kept: str = ""


class Schedules:
    """Of one instance."""

    def __init__(self, paths: InstancePaths, spec: InstanceSpec, intake: Intake, db: Database, hub: Hub) -> None:
        self._paths = paths
        self._spec = spec
        self._intake = intake
        self._db = db
        self._hub = hub
        self._marks: dict[str, Mark] = {}
        self._one = asyncio.Lock()
        """a briefing says what has changed since the one before: never two at once"""
        self._off = time.time() - steady.now()
        self._next: dict[str, float] = {}
        """wall clock before which nothing is due"""
        self._ready: dict[str, tuple[float, _Said]] = {}
        """what is said for that due time, while it could not be: a model is asked once"""
        self._trouble: dict[str, str] = {}

    async def run(self) -> None:
        """For ever."""
        loaded = False
        while True:
            pause = LOOK
            try:
                if not loaded:
                    await self._load()
                    loaded = True
                if not self._live:
                    return
                pause = await self._look()
            except JournalError as error:
                log.error("no schedule is looked at: %s", error)  # noqa: TRY400 - the sentence says it all
            await asyncio.sleep(pause)

    @property
    def _live(self) -> dict[str, ScheduleSpec]:
        return {name: one for name, one in self._spec.schedule.items() if one.enabled}

    def zone(self, spec: ScheduleSpec) -> Zone:
        return zone_of(spec.timezone or self._spec.timezone)

    async def _load(self) -> None:
        """Go on where the daemon before us had come to. What is new, or has another time now, begins now."""
        now = time.time()
        fresh: dict[str, Mark] = {}

        def work(db: sqlite3.Connection) -> dict[str, Mark]:
            known = schedules.marks(db)
            for name in known.keys() - self._live.keys():
                schedules.forget(db, name)
            for name, one in self._live.items():
                timing = f"{one.line} {one.timezone or self._spec.timezone}"
                if name not in known or known[name].timing != timing:
                    fresh[name] = Mark(timing, now)
                    schedules.put(db, name, fresh[name])
            return {name: fresh.get(name) or known[name] for name in self._live}

        self._marks = await self._db.run(work)
        for name, mark in self._marks.items():
            if mark.fired > now + LOOK:
                log.warning("the clock was set back: schedule %s says nothing before it comes where it was", name)

    async def _look(self) -> float:
        """Fire what is due; how long to wait then. What one schedule has to wait for holds no other up."""
        off = time.time() - steady.now()
        if abs(off - self._off) > _STEP:
            log.info("the clock was set by %.0f s", off - self._off)
            self._next.clear()
        self._off = off
        upcoming = [time.time() + LOOK]
        for name, spec in self._live.items():
            try:
                upcoming.append(await self._see_to(name, spec))
                self._trouble.pop(name, None)
            except (Refused, JournalError, OSError) as error:
                if self._trouble.get(name) != str(error):
                    log.error("schedule %s is due and has to wait: %s", name, error)  # noqa: TRY400
                self._trouble[name] = str(error)
        return max(0.0, min(upcoming) - time.time())

    async def _see_to(self, name: str, spec: ScheduleSpec) -> float:
        """Fire what is due of one; the wall clock at which it is due again."""
        if time.time() < self._next.get(name, 0.0):
            return self._next[name]
        now, mark = time.time(), self._marks[name]
        found = due(spec, self.zone(spec), dealt_with(mark.until, mark.fired, now), now)
        for at in found.fires:
            async with self._one:
                await self._fire(name, spec, at)
        if found.passed:
            log.warning("schedule %s: %d of its times were missed and are let pass", name, found.passed)
        if found.until != self._marks[name].until:
            await self._remember(name, replace(self._marks[name], until=found.until))
        self._next[name] = inf if found.next is None else found.next
        return self._next[name]

    async def _fire(self, name: str, spec: ScheduleSpec, at: float) -> None:
        mark = replace(self._marks[name], until=at, fired=at)
        expires_at = at + spec.expires if spec.expires else 0.0
        ready = self._ready.get(name, (0.0, None))
        said = ready[1] if ready[0] == at else None
        if said is None:
            said = await self._said(name, spec)
            self._ready[name] = at, said
        await self._say(
            said,
            lambda db: schedules.put(db, name, mark),
            key=f"schedule:{name}:{at:.0f}",
            expires_at=expires_at,
        )
        self._marks[name] = mark
        del self._ready[name]
        log.info("schedule %s fired, due %.0f s ago, to %s", name, max(0.0, time.time() - at), spec.to)

    async def _remember(self, name: str, mark: Mark) -> None:
        await self._db.run(lambda db: schedules.put(db, name, mark))
        self._marks[name] = mark

    async def _said(self, name: str, spec: ScheduleSpec) -> _Said:
        if spec.briefing:
            return await self._briefing(Briefing(spec.briefing), self.zone(spec), f"schedule {name}", spec.to)
        return _Said(spec.text, f"schedule {name}", spec.to)

    async def _briefing(self, kind: Briefing, zone: Zone, sender: str, to: str) -> _Said:
        kept = await self._db.read(schedules.briefed)
        from ccmux.briefing.make import make  # noqa: PLC0415 - few ask for one

        made = await make(self._paths, self._spec.briefing, kind, kept=kept, zone=zone, now=time.time())
        text = made.text.encode()[: self._spec.delivery.max_message_bytes].decode(errors="ignore")
        return _Said(text, sender, to, made.kept)

    async def _say(
        self,
        said: _Said,
        remember: Callable[[sqlite3.Connection], None],
        *,
        key: str | None = None,
        expires_at: float = 0.0,
    ) -> MessageId:
        """Into the journal, a message once for a key; what is to be remembered of it after that, or with it."""

        def keep(db: sqlite3.Connection) -> None:
            if said.kept:
                schedules.put_briefed(db, said.kept)
            remember(db)

        if said.to == CLAUDE:
            message = await self._intake.take(
                said.text, channel=CHANNEL, sender=said.sender, key=key, expires_at=expires_at
            )
            await self._db.run(keep)
            return message.id
        line = Reply(new_message_id(), MessageId(""), ChannelName(said.to), said.text, about=said.sender)

        def work(db: sqlite3.Connection) -> None:
            outbox.put(db, line, time.time())
            keep(db)

        await self._db.run(work)
        self._hub.kick(line.channel).set()
        return line.id

    # by a person's hand

    async def fire_now(self, name: str) -> dict[str, Any]:
        """Say now what that schedule says, also one that is not enabled; its own times stay as they are."""
        spec = self._spec.schedule.get(name)
        if spec is None:
            raise UsageError(f"{self._paths.name} has no schedule {name!a}", fix=f"ccmux schedule {self._paths.name}")
        async with self._one:
            return await self._now(await self._said(name, spec))

    async def brief_now(self, kind: str) -> dict[str, Any]:
        """Send that briefing now, where a schedule sends it; to Claude where none does."""
        try:
            wanted = Briefing(kind)
        except ValueError:
            raise UsageError(f"there is no {kind!a} briefing", fix="say morning or evening") from None
        spec = next((one for one in self._spec.schedule.values() if one.briefing == wanted), None)
        zone, to = (self.zone(spec), spec.to) if spec else (zone_of(self._spec.timezone), CLAUDE)
        async with self._one:
            return await self._now(await self._briefing(wanted, zone, f"briefing {wanted}", to))

    async def _now(self, said: _Said) -> dict[str, Any]:
        return {"id": await self._say(said, lambda _: None), "to": said.to}
