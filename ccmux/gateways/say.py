"""From what is to be told to acts in the spool: where, how urgent, for how long it is worth telling."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ccmux.errors import CcmuxError
from ccmux.gateways import instances
from ccmux.gateways.base import Transport
from ccmux.gateways.config import DIRECT, GatewaySpec
from ccmux.gateways.spool import acts, notes
from ccmux.gateways.spool import heard as kept_ones
from ccmux.gateways.spool.heard import Kept
from ccmux.gateways.words import Answer, Asked, Draft, Mark, Notice, Out, Place, Priority, Verb
from ccmux.journal.database import Database

log = logging.getLogger(__name__)

_WORTH: Final = {
    Priority.APPROVAL: 7 * 86400.0,
    Priority.FINAL: 7 * 86400.0,
    Priority.NOTICE: 3600.0,
    Priority.PROGRESS: 120.0,
}
"""Seconds after which it need not be said any more; an answer then waits for a person (`gateway dead`)."""
_MARK_WORTH: Final = 6 * 3600.0


class Say:
    """Puts acts into the spool; the methods with `db` are called in its thread, within a transaction."""

    def __init__(
        self, db: Database, transport: Transport, spec: Callable[[], GatewaySpec], kick: Callable[[], None]
    ) -> None:
        self._db = db
        self._transport = transport
        self._spec = spec
        self.kick = kick

    def place_of(self, kept: Kept) -> Place:
        """Where it is answered: in its thread; a person alone is answered plainly, but in a thread that they began."""
        if kept.place.thread or kept.place.direct:
            return kept.place
        return msgspec.structs.replace(kept.place, thread=kept.native)

    def at(
        self, db: sqlite3.Connection, place: Place, out: Out, *, instance: str = "", name: str = "", hops: int = 1
    ) -> list[str]:
        """Say it there; the ids of the acts."""
        priority = _priority(out)
        now = time.time()
        return [
            acts.put(
                db,
                draft,
                place,
                now,
                name=name,
                instance=instance,
                priority=priority,
                expires_at=now + _WORTH[priority],
                hops=hops,
            )
            for draft in self._transport.drafts(out)
        ]

    def about(self, db: sqlite3.Connection, kept: Kept, out: Out) -> list[str]:
        """Say it where the message was said."""
        return self.at(db, self.place_of(kept), out, instance=kept.instance, name=kept.name, hops=kept.hops + 1)

    def unasked(self, db: sqlite3.Connection, instance: str, out: Out) -> list[str]:
        """Say what answers nothing where the instance is at home: in its room, else to the operator who wrote to it alone last;
        nothing, where there is neither.
        """
        spec = self._spec()
        bound = spec.of_instance(instance)
        place = Place(bound.room) if bound is not None else None
        if place is not None and place.room == DIRECT:
            place = kept_ones.latest_direct(db, instance, spec.access.operators)
        if place is None:
            log.warning("what %s says has no place: it has no room, and no operator wrote to it alone", instance)
            return []
        return self.at(db, place, out, instance=instance)

    def mark(self, db: sqlite3.Connection, kept: Kept, mark: Mark) -> None:
        """Show how it stands with a message. The same again is nothing."""
        if not self._transport.caps.reactions or kept.mark is mark:
            return
        now = time.time()
        before = None if kept.mark is None or acts.unbegun(db, kept.name, now) else kept.mark
        for draft in self._transport.mark(mark, before):
            acts.put(
                db,
                draft,
                kept.place,
                now,
                name=kept.name,
                instance=kept.instance,
                priority=Priority.NOTICE,
                target=kept.native,
                expires_at=now + _MARK_WORTH,
            )
        kept_ones.marked(db, kept.name, mark)

    def typing(self, db: sqlite3.Connection, kept: Kept) -> None:
        """Where somebody talks to us alone, show that it is worked on."""
        if not self._transport.caps.typing or not kept.place.direct:
            return
        now = time.time()
        acts.put(
            db,
            Draft(Verb.TYPING),
            self.place_of(kept),
            now,
            name=kept.name,
            instance=kept.instance,
            priority=Priority.PROGRESS,
            target=kept.native,
            expires_at=now + _WORTH[Priority.PROGRESS],
        )

    def question(self, db: sqlite3.Connection, kept: Kept | None, instance: str, approval: dict[str, Any]) -> None:
        """Show a question of Claude's, or what was decided about the one that stands there."""
        now = time.time()
        approval_id, state = str(approval["id"]), str(approval["state"])
        known = notes.asked(db, approval_id)
        if known is None:
            asked = Asked(approval)
            made = self.about(db, kept, asked) if kept is not None else self.unasked(db, instance, asked)
            if made:
                notes.ask(db, approval_id, made[0], state, now)
            return
        act, shown = known
        if shown == state:
            return
        row = acts.get(db, act)
        drafts = self._transport.drafts(Asked(approval))
        if row is None or not drafts:
            return
        if self._transport.caps.edits:
            edit = Draft(Verb.EDIT, drafts[0].body, drafts[0].plain)
            acts.put(
                db, edit, row.act.place, now, instance=instance, priority=Priority.APPROVAL, target=acts.OF_ACT + act
            )
        else:
            said = Notice(f"{approval['code']}: {state} by {approval.get('decided_by', '')}")
            self.at(db, row.act.place, said, instance=instance)
        notes.ask(db, approval_id, act, state, now)

    async def decided(self, instance: str, approval_id: str) -> None:
        """Show how it stands with a question by now."""
        try:
            told = await instances.ask(instance, op="approval", id=approval_id)
        except CcmuxError:  # its own line will tell
            return
        await self._db.insist(lambda db: self.question(db, None, instance, told["approval"]))
        self.kick()


def _priority(out: Out) -> Priority:
    match out:
        case Asked():
            return Priority.APPROVAL
        case Answer() | Notice(trouble=True):  # it stands in the place of an answer
            return Priority.FINAL
        case Notice():
            return Priority.NOTICE
    return Priority.PROGRESS
