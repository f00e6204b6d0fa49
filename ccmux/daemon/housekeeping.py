"""Once a day: the journal forgets what ended long ago, and files that belong to no message any more go."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Final

from ccmux.claude import transcript as transcripts
from ccmux.daemon.outgoing import Outgoing
from ccmux.errors import JournalError
from ccmux.journal import retention
from ccmux.journal.database import Database

log = logging.getLogger(__name__)

FIRST: Final = 600.0
EVERY: Final = 86_400.0
"""Seconds after the start, and between two rounds."""
_ORPHAN: Final = 3600.0
"""Seconds after which a file in the inbox must have its message: it is copied before that is journalled."""
_DAY: Final = 86_400.0
_NAME: Final = re.compile(r"\.?(m-[a-z0-9]+)[.-]")


class Housekeeping:
    """Of one instance. `keep_days` 0 keeps everything."""

    def __init__(self, db: Database, inbox: Path, keep_days: float, claude: Path, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._db = db
        self._claude = claude
        self._inbox = inbox
        self._keep_days = keep_days

    async def run(self) -> None:
        """For ever."""
        await asyncio.sleep(FIRST)
        while True:
            try:
                await self.tidy(time.time())
            except (JournalError, OSError) as error:
                log.error("housekeeping was put off: %s", error)  # noqa: TRY400 - the sentence says it all
            await asyncio.sleep(EVERY)

    async def tidy(self, now: float) -> int:
        """One round; how many messages were forgotten. Twice is harmless.

        Age is counted from the latest message, too: a clock that was set forward makes nothing old.
        """
        forgotten = 0
        if self._keep_days:
            before = min(now, await self._db.read(retention.newest)) - self._keep_days * _DAY
            while found := await self._db.run(partial(retention.forget, before=before)):
                forgotten += len(found)
            await self._db.run(partial(retention.forget_the_rest, before=before))
            await self._db.run(partial(retention.forget_grants, living=transcripts.living(self._claude, before)))
        await asyncio.to_thread(self._outgoing.forget, self._keep_days)
        removed = await self._db.read(partial(self._remove_orphans, now=now))
        if forgotten or removed:
            log.info("forgot %d messages that ended long ago; removed %d files", forgotten, removed)
        return forgotten

    def _remove_orphans(self, db: sqlite3.Connection, now: float) -> int:
        """In the journal's thread, so that no message is put there meanwhile."""
        names = {path: found[1] for path in self._files(now) if (found := _NAME.match(path.name))}
        known = retention.known(db, set(names.values()))
        orphans = [path for path, name in names.items() if name not in known]
        for path in orphans:
            path.unlink(missing_ok=True)
        return len(orphans)

    def _files(self, now: float) -> list[Path]:
        if not self._inbox.is_dir():
            return []
        return [path for path in self._inbox.iterdir() if path.lstat().st_mtime < now - _ORPHAN]
