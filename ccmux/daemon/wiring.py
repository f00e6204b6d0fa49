"""A project's wire to the assistant: its reports go up until they are acknowledged, directives come down into its inbox.

It is there whenever the assistant is: nothing is configured, and neither waits for the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ccmux.core.directive import directive_of
from ccmux.core.letters import Letter
from ccmux.core.link import Ack, Nack
from ccmux.daemon.hub import Hub
from ccmux.daemon.intake import Intake
from ccmux.daemon.projects import known
from ccmux.daemon.reports import Reports
from ccmux.errors import CcmuxError
from ccmux.fifo import pipe
from ccmux.fifo.peer import Peer, Said
from ccmux.fifo.reader import Reader
from ccmux.journal import outbox
from ccmux.journal.database import Database
from ccmux.model.ids import ASSISTANT, PROJECT_REPORT, REPORT, ChannelName, project_channel, project_of
from ccmux.paths import MAIN, InstancePaths

log = logging.getLogger(__name__)

_LOOK: Final = 3.0
"""Seconds between two looks whether there is an assistant, and whether our own FIFO is still the same."""
_LINE: Final = 65536


class _Store:
    """What the link sends and keeps: the project's own journal."""

    def __init__(self, db: Database, intake: Intake) -> None:
        self._db = db
        self._intake = intake

    async def waiting(self, limit: int) -> Sequence[Letter]:
        found = await self._db.read(lambda db: outbox.first_of(db, REPORT, limit))
        return [Letter(one.id, one.text) for one in found]

    async def taken(self, ack: Ack) -> None:
        await self._db.insist(partial(outbox.delivered, reply_id=ack.ack, at=time.time()))

    async def refused(self, nack: Nack) -> None:
        log.warning("the assistant does not take the report %s: %s", nack.nack, nack.why)
        if not nack.retry:
            await self._db.insist(partial(outbox.delivered, reply_id=nack.nack, at=time.time()))

    async def said(self, said: Said) -> None:
        """A directive of the assistant. Its id is the key: sent again, it is the same message."""
        if said.error or not said.text:
            return
        await self._intake.direct(said.text, sender=ASSISTANT, key=f"wire:{said.id}")

    async def plain(self, text: str) -> None:
        """The person of this account wrote a line for us by hand."""
        if isinstance(directive_of(text), str):
            log.warning("a line in the assistant's out.project-* is no directive: %s", directive_of(text))
            return
        await self._intake.direct(text)


class Wiring:
    """Of one project."""

    def __init__(self, paths: InstancePaths, db: Database, hub: Hub, intake: Intake, reports: Reports) -> None:
        self._paths = paths
        self._channel = project_channel(paths.name)
        self._store = _Store(db, intake)
        self._hub = hub
        self._reports = reports
        self._lines: asyncio.Queue[bytes] = asyncio.Queue(1000)
        self._reader: Reader | None = None

    async def run(self) -> None:
        """For ever: wired while there is an assistant."""
        main, refused = InstancePaths.of(MAIN), False
        while True:
            if self._channel is not None and project_of(self._channel, known) == self._paths.name:
                if main.config.exists():
                    await self._wired(main, self._channel)
            elif not refused:
                refused = True
                log.warning("the assistant has no channel for the name %s: reports stay here", self._paths.name)
            await asyncio.sleep(_LOOK)

    async def _wired(self, main: InstancePaths, channel: ChannelName) -> None:
        log.info("wired to the assistant: in.%s, out.%s", PROJECT_REPORT, channel)
        peer = Peer(main.run, PROJECT_REPORT, f"ccmux {self._paths.name}", self._store, answers=channel)
        self._reports.released = peer.kick
        self._hub.withheld.add(REPORT)
        speaking = asyncio.create_task(peer.run(), name="wire")
        echoing = asyncio.create_task(self._echoed(), name="echoed")
        try:
            while main.config.exists():
                self._attend()
                done, _ = await asyncio.wait({speaking, echoing}, timeout=_LOOK)
                for task in done:
                    task.result()
            log.info("there is no assistant any more: reports stay here")
        finally:
            for task in (speaking, echoing):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(speaking, echoing, return_exceptions=True)
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            self._reports.released = lambda: None
            self._hub.withheld.discard(REPORT)
            self._hub.kick(REPORT).set()

    def _attend(self) -> None:
        """Have a reader on our own `out.report`: a report that is echoed there goes up, too."""
        path: Path = self._paths.run / f"out.{REPORT}"
        try:
            pipe.make(path)
            if self._reader is not None and (self._reader.deaf or self._reader.identity != path.lstat().st_ino):
                self._reader.close()
                self._reader = None
            if self._reader is None:
                self._reader = Reader(path, self._line, _LINE)
        except (CcmuxError, OSError) as error:
            log.error("%s cannot be read: %s", path, error)  # noqa: TRY400 - the sentence says it all

    def _line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            self._lines.put_nowait(line)
        except asyncio.QueueFull:
            log.warning("a line in out.report was left: %d wait to be taken already", self._lines.qsize())

    async def _echoed(self) -> None:
        while True:
            await self._reports.echoed(await self._lines.get())
