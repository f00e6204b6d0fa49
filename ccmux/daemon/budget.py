"""The budget of the day: judged whenever something was used, told to a person once, and lifted by one."""

from __future__ import annotations

import logging
import sqlite3
import time
from datetime import datetime
from typing import Final

import msgspec

from ccmux.core.budget import REASON, Said, judge, override
from ccmux.daemon.hub import Hub
from ccmux.daemon.usage import Usage
from ccmux.errors import JournalError
from ccmux.journal import approvals, meta
from ccmux.journal.database import Database
from ccmux.model.instance import BudgetSpec

log = logging.getLogger(__name__)

_KEY: Final = "budget"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[str, ...]).decode


class Budget:
    """Of one instance. What was said is journalled first, so that a daemon after us says it no second time."""

    def __init__(self, spec: BudgetSpec, usage: Usage, db: Database, hub: Hub) -> None:
        self._spec = spec
        self._usage = usage
        self._db = db
        self._hub = hub
        self._said: Said = frozenset()

    async def load(self) -> None:
        """What the daemon before us said."""
        self._said = frozenset(_decode(await self._db.read(lambda db: meta.get(db, _KEY, "[]"))))

    async def judge(self) -> None:
        """Hold what waits, or let it go, by what was used today."""
        verdict = judge(self._spec, self._usage.today, self._said)
        if verdict.held:
            until = datetime.fromtimestamp(self._usage.until, self._usage.zone)
            words = f"the budget of today is used up ({verdict.held}); it goes on at {until:%Y-%m-%d %H:%M %Z}".rstrip()
        else:
            words = ""
        if words != self._hub.held:
            log.info("%s", words or "the budget holds nothing back any more")
        self._hub.held, self._hub.held_until = words, self._usage.until if words else 0.0
        if verdict.words and await self._keep(verdict.said):
            for word in verdict.words:
                log.warning("%s", word)
                self._hub.say(word)

    async def override(self, who: str) -> None:
        """A person says that it shall go on for the rest of the day. Nothing, when it is not held."""
        if not self._hub.held:
            return
        said, day = override(self._usage.today.day, self._said), self._usage.today.day
        line = approvals.Audited(time.time(), who, f"{REASON}-overridden", day, self._hub.held)

        def work(db: sqlite3.Connection) -> None:
            _put(db, said)
            approvals.note(db, line)

        await self._db.run(work)
        log.warning("%s says that it goes on for the rest of %s although %s", who, day, self._hub.held)
        self._said = said
        self._hub.held, self._hub.held_until = "", 0.0
        self._hub.change()

    async def _keep(self, said: Said) -> bool:
        try:
            await self._db.run(lambda db: _put(db, said))
        except JournalError:
            return False  # said when the disk is well again
        self._said = said
        return True


def _put(db: sqlite3.Connection, said: Said) -> None:
    meta.put(db, _KEY, _encode(sorted(said)).decode())
