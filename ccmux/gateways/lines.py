"""Between the spool and an instance: the store of the link's peer, one for each bound instance."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ccmux.core.letters import Letter
from ccmux.core.link import Ack, Nack
from ccmux.errors import UsageError
from ccmux.fifo.peer import Said
from ccmux.gateways import instances
from ccmux.gateways.reception import Reception, who
from ccmux.gateways.say import Say
from ccmux.gateways.spool import heard as kept_ones
from ccmux.gateways.spool import notes
from ccmux.gateways.spool.heard import REGRETTED, Kept
from ccmux.gateways.words import Answer, Mark, Notice
from ccmux.journal.database import Database

log = logging.getLogger(__name__)

_APPROVAL: Final = "approval "
_MOST_FILES: Final = 10


class Line:
    """The store of one instance's peer. `begun` is called when the instance has something to do for us."""

    def __init__(
        self, instance: str, db: Database, *, reception: Reception, say: Say, files: Path, begun: Callable[[str], None]
    ) -> None:
        self._instance = instance
        self._db = db
        self._reception = reception
        self._say = say
        self._files = files
        self._begun = begun

    async def waiting(self, limit: int) -> Sequence[Letter]:
        """Marked as offered before it is."""
        kept = await self._db.insist(lambda db: kept_ones.offer(db, self._instance, limit, self._reception.behind))
        return [Letter(one.name, one.text, who(one.sender), files=self._files_with(one)) for one in kept]

    def _files_with(self, kept: Kept) -> str:
        """Where they are; empty also where none of them could be had."""
        directory = self._files / kept.name
        return str(directory) if kept.files and directory.is_dir() else ""

    async def taken(self, ack: Ack) -> None:
        """Files that came with it are the instance's now."""

        def work(db: sqlite3.Connection) -> Kept | None:
            kept = self._own(db, ack.ack)
            if kept is not None and kept_ones.taken(db, kept.name, ack.message):
                if ack.queued:
                    self._say.about(db, kept, Notice(f"queued: {ack.queued} before it"))
                self._say.typing(db, kept)
            return kept

        kept = await self._db.insist(work)
        self._tidy(kept)
        if kept is not None and kept.reason == REGRETTED and kept.state in ("kept", "taken"):
            self._reception.cancel(self._instance, ack.message)
        self._say.kick()
        self._begun(self._instance)

    async def refused(self, nack: Nack) -> None:
        """For good: who said it is told why. For now: it is offered again by itself. What was taken stays so: a copy of it
        that came late finds its files gone.
        """
        if nack.retry:
            log.info("%s does not take %s now: %s", self._instance, nack.nack, nack.why)
            return

        def work(db: sqlite3.Connection) -> Kept | None:
            kept = self._own(db, nack.nack)
            if kept is not None and kept.state == "kept" and kept_ones.ended(db, kept.name, "refused", nack.why):
                self._say.about(db, kept, Notice(f"not taken: {nack.why}", trouble=True))
                self._say.mark(db, kept, Mark.FAILED)
            return kept

        self._tidy(await self._db.insist(work))
        self._say.kick()

    async def said(self, said: Said) -> None:
        """Acts for it, once."""
        approval = await self._approval(said)
        await self._db.insist(lambda db: self._said(db, said, approval))
        self._say.kick()
        self._begun(self._instance)

    async def plain(self, text: str) -> None:
        """Somebody echoed into the FIFO that is ours to read: a person at this machine, who has no place here."""
        log.warning("a line that %s did not say was left: %d characters", self._instance, len(text))

    async def _approval(self, said: Said) -> dict[str, Any] | None:
        """What is asked. Raises when the daemon cannot tell now: then the line comes again."""
        if not said.about.startswith(_APPROVAL):
            return None
        try:
            told = await instances.ask(self._instance, op="approval", id=said.about.removeprefix(_APPROVAL))
        except UsageError:  # it was forgotten meanwhile
            return None
        return dict(told["approval"])

    def _said(self, db: sqlite3.Connection, said: Said, approval: dict[str, Any] | None) -> None:
        if notes.heard_before(db, f"{self._instance}:{said.id}", time.time()):
            return
        kept = self._own(db, said.to)
        if approval is not None:
            self._say.question(db, kept, self._instance, approval)
        elif kept is None:  # a briefing, say: it is worth as much as an answer
            out = Notice(said.error, trouble=True) if said.error else Answer(said.text, _files_of(said.files))
            self._say.unasked(db, self._instance, out)
        elif said.about:
            self._say.about(db, kept, Notice(said.text or said.error))
        else:
            self._answered(db, kept, said)

    def _answered(self, db: sqlite3.Connection, kept: Kept, said: Said) -> None:
        if said.error:
            kept_ones.ended(db, kept.name, "failed", said.error)
            if kept.reason == REGRETTED:
                return
            self._say.about(db, kept, Notice(said.error, trouble=True))
            self._say.mark(db, kept, Mark.FAILED)
            return
        kept_ones.ended(db, kept.name, "answered")
        self._say.about(db, kept, Answer(said.text, _files_of(said.files)))
        self._say.mark(db, kept, Mark.DONE)

    def _own(self, db: sqlite3.Connection, name: str) -> Kept | None:
        """The message of that name, if it is this instance's: what stands in its FIFO ends nothing of another's."""
        kept = kept_ones.get(db, name) if name else None
        return kept if kept is not None and kept.instance == self._instance else None

    def _tidy(self, kept: Kept | None) -> None:
        """By the name in the spool: one in a FIFO may be any path."""
        if kept is not None:
            shutil.rmtree(self._files / kept.name, ignore_errors=True)


def _files_of(directory: str) -> tuple[str, ...]:
    if not directory or not Path(directory).is_dir():
        return ()
    return tuple(str(one) for one in sorted(Path(directory).iterdir())[:_MOST_FILES])
