"""Counts what the instance uses: new rows of all its transcripts, and what the status line told, into the journal."""

from __future__ import annotations

import logging
import sqlite3
import time
from itertools import islice
from pathlib import Path
from typing import Final

from ccmux.claude import transcript as transcripts
from ccmux.core.clock import seconds_since
from ccmux.core.days import Zone, bounds, day_of, zone_of
from ccmux.core.usage import Fact, Reader, told_of
from ccmux.errors import JournalError
from ccmux.hooks import spool
from ccmux.journal import usage
from ccmux.journal.database import Database
from ccmux.model.usage import Day, Told
from ccmux.paths import InstancePaths

log = logging.getLogger(__name__)

_BUSY: Final = 2.0
"""Seconds between two readings while Claude works."""
_ALL: Final = 600.0
"""Seconds between two looks at every transcript there is; the one of the conversation is read at once."""
_SLICE: Final = 2000
"""Rows, and files of the spool, that are read at once: others wait for it."""
_TORN: Final = 60.0
"""Seconds after which a file of the spool that was begun will not be finished any more."""


class Usage:
    """Of one instance. `today` is what a budget counts."""

    def __init__(self, paths: InstancePaths, timezone: str, db: Database) -> None:
        self._paths = paths
        self._db = db
        self.zone: Zone = zone_of(timezone)
        self.today = Day("")
        self._bounds = (0.0, 0.0)
        self._tails: dict[str, tuple[transcripts.Tail, Reader]] = {}
        self._read_at = self._looked_at = -_ALL
        self._trouble = ""

    async def load(self) -> None:
        """Go on where the daemon before us had read to."""
        for path, place in (await self._db.read(usage.places)).items():
            self._tails[path] = transcripts.Tail(self._paths.claude / path, place.offset), Reader(place.since)

    def look_everywhere(self) -> None:
        """The conversation is another one now: what is left of the one before is read, too."""
        self._looked_at = -_ALL

    @property
    def until(self) -> float:
        """Wall clock at which `today` ends."""
        return self._bounds[1]

    async def read(self, transcript: Path | None, *, calm: bool) -> bool:
        """Count what is new; `calm`: Claude does nothing, so that there is no more to come. Whether there is more to read.

        A disk that does not take it now is asked again at the next look.
        """
        now, wall = time.monotonic(), time.time()
        stale = not self._bounds[0] <= wall < self._bounds[1]
        if not calm and not stale and now - self._read_at < _BUSY:
            return False
        self._read_at = now
        try:
            return await self._take_in(transcript, wall, stale=stale)
        except (JournalError, OSError) as error:
            if str(error) != self._trouble:
                log.warning("what was used is counted later: %s", error)
            self._trouble = str(error)
            self._tails.clear()
            self._looked_at = -_ALL  # from where the journal says
            return False

    async def _take_in(self, transcript: Path | None, wall: float, *, stale: bool) -> bool:
        if self._trouble:
            await self.load()
        news, more = self._rows(self._paths_of(transcript))
        files, told = self._spooled()

        def work(db: sqlite3.Connection) -> Day:
            for place, facts in news:
                usage.put(db, place, facts)
            for one in told:
                usage.tell(db, one)
            return usage.day(db, day_of(wall, self.zone), self.zone)

        if news or told or stale:
            self.today = await (self._db.run if news or told else self._db.read)(work)
            self._bounds = bounds(day_of(wall, self.zone), self.zone)
        for file in files:
            file.unlink(missing_ok=True)
        self._trouble = ""
        return more or len(files) >= _SLICE

    def _paths_of(self, transcript: Path | None) -> list[Path]:
        """The transcript of the conversation and its subagents'; now and then those of all conversations."""
        if time.monotonic() - self._looked_at >= _ALL:
            self._looked_at = time.monotonic()
            return transcripts.every(self._paths.claude)
        return transcripts.parts(transcript) if transcript is not None else []

    def _rows(self, paths: list[Path]) -> tuple[list[tuple[usage.Place, list[Fact]]], bool]:
        """What the next _SLICE rows tell, and whether there may be more."""
        news, rows = [], 0
        for path in paths:
            name = str(path.relative_to(self._paths.claude))
            tail, reader = self._tails.setdefault(name, (transcripts.Tail(path), Reader()))
            before = tail.offset
            facts: list[Fact] = []
            for line in islice(tail.lines(), _SLICE - rows):
                facts += reader.read(line)
                rows += 1
            if tail.offset != before:
                news.append((usage.Place(name, tail.offset, reader.since), facts))
            if rows >= _SLICE:
                self._looked_at = -_ALL
                return news, True
        return news, False

    def _spooled(self) -> tuple[list[Path], list[Told]]:
        files, told = [], []
        for file, payload in islice(spool.pending(self._paths.cost_spool), _SLICE):
            files.append(file)
            one = told_of(payload, spool.written_at(file))
            if one is not None:
                told.append(one)
        for torn in self._paths.cost_spool.glob(".[0-9]*"):  # Claude stops a status line when the next one is due
            if seconds_since(torn.lstat().st_mtime, time.time()) > _TORN:
                torn.unlink(missing_ok=True)
        return files, told
