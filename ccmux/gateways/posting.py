"""What is to be said is said: each attempt written down before it is made, its outcome after it.

A post whose outcome nobody knows is looked for, twice, before it is made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final

from ccmux.errors import CcmuxError, NotNow, Rejected, Undeliverable, Unsure
from ccmux.gateways.base import Transport
from ccmux.gateways.spool import acts
from ccmux.gateways.spool.acts import Row
from ccmux.gateways.turns import POSTS, Bearing, Pace, choose
from ccmux.gateways.words import Priority
from ccmux.journal.database import Database

log = logging.getLogger(__name__)

_LONGEST: Final = 300.0
_DRAIN: Final = 5.0
_LOOK: Final = 5.0
"""Seconds between two looks at the spool: a person may have had something tried again (`gateway retry`)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    first: float = 1.0
    """before what was refused is tried again; doubling"""
    probes: tuple[float, ...] = (3.0, 7.0)
    """after an unknown outcome, before each look for the post"""
    credentials: float = 60.0
    """before anything is tried again after our credentials were refused"""


class Posting:
    """One for a gateway. `dead` is called when something was given up that a person should know of."""

    def __init__(
        self,
        db: Database,
        transport: Transport,
        dead: Callable[[Row, str], None],
        patience: Patience | None = None,
        bearing: Bearing | None = None,
    ) -> None:
        self._db = db
        self._transport = transport
        self._dead = dead
        self._patience = patience or Patience()
        self._pace = Pace(bearing or Bearing())
        self._kick = asyncio.Event()
        self._busy: set[tuple[str, bool]] = set()
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._ending = False

    def kick(self) -> None:
        """There is something new to do."""
        self._kick.set()

    async def run(self) -> None:
        """For ever. Cancelled in the midst of an attempt, the next process does not know its outcome, and looks."""
        await self._db.insist(lambda db: acts.interrupted(db, time.time()))
        async with self._group:
            while True:
                self._kick.clear()
                rows = await self._db.read(acts.next_ones)
                chosen = choose(rows, self._pace, self._busy, time.time(), time.monotonic())
                for row in chosen.over:
                    await self._give_up(
                        row, "it is too late" if row.state != "orphan" else "what it changes is not there"
                    )
                for row in () if self._ending else chosen.now:
                    self._busy.add((row.act.place.room, row.marks))
                    task = self._group.create_task(self._one(row), name=f"act {row.act.id}")
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(min(chosen.wake or inf, time.monotonic() + _LOOK)):
                        await self._kick.wait()

    async def drain(self) -> None:
        """Begin nothing any more; return once what is being done is done, or the time for that is over."""
        self._ending = True
        if self._running:
            await asyncio.wait(self._running, timeout=_DRAIN)

    async def _one(self, row: Row) -> None:
        try:
            if row.state == "unsure" and row.act.draft.verb in POSTS:
                await self._look_for(row)
            else:
                await self._perform(row)
        except CcmuxError as error:  # the spool cannot be written: what happened is found out after the next start
            log.error("%s: %s", row.act.id, error)  # noqa: TRY400 - the sentence says it all
        except Exception as error:  # noqa: BLE001 - a fault of the transport's is no reason to stop the others
            where = "".join(traceback.format_tb(error.__traceback__))  # without its words: they may hold a secret
            log.error("%s is tried again: %s\n%s", row.act.id, type(error).__name__, where)  # noqa: TRY400
            await self._faulty(row, type(error).__name__)
        finally:
            self._busy.discard((row.act.place.room, row.marks))
            self.kick()

    async def _perform(self, row: Row) -> None:
        await self._db.insist(partial(acts.begin, act=row.act.id, now=time.time()))
        try:
            native = await self._transport.perform(row.act)
        except Undeliverable as error:
            if error.plain and row.act.draft.plain:
                log.warning("%s is said plainly: %s", row.act.id, error.what)
                await self._db.insist(partial(acts.plainly, act=row.act.id, now=time.time()))
            else:
                await self._give_up(row, str(error))
        except NotNow as error:
            await self._later(row, error)
        except Rejected as error:
            self._pace.pause("", time.monotonic() + self._patience.credentials)
            await self._again(row, self._patience.credentials, error.what)
        except Unsure as error:
            if row.act.draft.verb in POSTS:
                log.warning("%s: nobody knows whether it was posted: %s", row.act.id, error.what)
                await self._unsure(row, self._patience.probes[0], error.what)
            else:  # twice is once
                await self._again(row, self._backoff(row), error.what)
        else:
            await self._db.insist(partial(acts.sent, act=row.act.id, native=native, now=time.time()))

    async def _faulty(self, row: Row, why: str) -> None:
        if row.act.draft.verb in POSTS:
            await self._unsure(row, self._backoff(row), why)
        else:
            await self._again(row, self._backoff(row), why)

    async def _look_for(self, row: Row) -> None:
        """Whether it was posted. Where nobody can tell, it is made again: rather twice than never."""
        found: str | None = None
        if self._transport.caps.finds:
            try:
                found = await self._transport.find(row.act)
            except (NotNow, Unsure) as error:
                wait = getattr(error, "after", 0.0) or self._patience.probes[0]
                await self._unsure(row, wait, error.what)
                return
            except (Undeliverable, Rejected) as error:
                await self._unsure(row, self._patience.credentials, error.what)
                return
        if found is not None:
            log.info("%s had been posted", row.act.id)
            await self._db.insist(partial(acts.sent, act=row.act.id, native=found, now=time.time()))
        elif self._transport.caps.finds and row.probes + 1 < len(self._patience.probes):
            await self._unsure(row, self._patience.probes[row.probes + 1], "not seen yet", probed=True)
        else:
            await self._db.insist(partial(acts.absent, act=row.act.id, now=time.time()))

    async def _later(self, row: Row, error: NotNow) -> None:
        wait = error.after or self._backoff(row)
        if error.after:
            self._pace.pause("" if error.everywhere else row.act.place.room, time.monotonic() + wait)
        await self._again(row, wait, error.what)

    async def _again(self, row: Row, wait: float, why: str) -> None:
        log.info("%s again in %.1f s: %s", row.act.id, wait, why)
        again = partial(acts.again, act=row.act.id, not_before=time.time() + wait, reason=why, now=time.time())
        await self._db.insist(again)

    async def _unsure(self, row: Row, wait: float, why: str, *, probed: bool = False) -> None:
        now = time.time()
        await self._db.insist(lambda db: acts.unsure(db, row.act.id, now + wait, why, now, probed=probed))

    async def _give_up(self, row: Row, why: str) -> None:
        """What was said for a person waits for one; the rest is not worth that."""
        matters = (
            row.act.draft.verb in POSTS
            and row.priority is not Priority.PROGRESS
            and row.priority is not Priority.NOTICE
        )
        if matters:
            log.error("%s for %s was given up: %s", row.act.id, row.instance, why)
        state = "dead" if matters else "dropped"
        await self._db.insist(partial(acts.end, act=row.act.id, state=state, reason=why, now=time.time()))
        self._dead(row, why)

    def _backoff(self, row: Row) -> float:
        longest = min(_LONGEST, self._patience.first * 2.0 ** min(row.act.attempt, 12))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - spreads, guards nothing
