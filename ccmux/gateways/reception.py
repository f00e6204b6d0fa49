"""Everything that a transport hears comes here: kept or dropped in one transaction, then handed on."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from ccmux.core.commanded import Commanded, commanded
from ccmux.errors import CcmuxError, Refused
from ccmux.gateways import instances
from ccmux.gateways.access import Accepted, Dropped, judge, may_decide
from ccmux.gateways.base import Room, Transport
from ccmux.gateways.config import DIRECT, GatewaySpec
from ccmux.gateways.say import Say
from ccmux.gateways.spool import heard as kept_ones
from ccmux.gateways.spool import notes, pairings
from ccmux.gateways.spool.heard import Kept
from ccmux.gateways.words import Heard, Kind, Mark, Notice, Place, Press, Sender
from ccmux.journal.database import Database

log = logging.getLogger(__name__)

_THREADS_OF: Final = 3 * 86400.0
"""Seconds for which a thread is read back after somebody was heard in it."""
_CATCH_UP_WITHIN: Final = 20.0
"""Seconds after a connection was made in which rooms must have been read back, or what waits is handed on all the same."""
ORDERS: Final = "status, stop, pause, resume, clear, compact, approve CODE, deny CODE [REASON]"


class Reception:
    """The Inlet of a gateway. `spec` is asked anew each time: the file may change."""

    def __init__(
        self,
        db: Database,
        transport: Transport,
        spec: Callable[[], GatewaySpec],
        *,
        say: Say,
        handed: Callable[[str], None],
        changed: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
    ) -> None:
        self._db = db
        self._transport = transport
        self._spec = spec
        self._say = say
        self._handed = handed
        self._changed = changed
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._up = False
        self._patience: asyncio.TimerHandle | None = None
        self.behind: set[str] = set()
        """rooms that were not read back yet since the connection was made: what waits there, waits"""
        self.fetching = asyncio.Event()
        """something came with files"""

    # what is heard

    async def put(self, heard: Heard) -> bool:
        """As `Inlet.put` says."""
        spec = self._spec()
        verdict = judge(heard, spec)
        kept = await self._db.run(lambda db: self._put(db, heard, verdict))
        if kept is None:
            return False
        self._say.kick()
        if isinstance(kept, Kept):
            self._after(kept, heard, verdict)
        return True

    def _put(self, db: sqlite3.Connection, heard: Heard, verdict: Accepted | Dropped) -> Kept | bool | None:
        """In the spool's thread. None: known before; True: dropped, or done; else what was kept."""
        now = time.time()
        if kept_ones.known(db, heard.key):
            return None
        if isinstance(verdict, Dropped):
            notes.drop(db, heard, verdict.reason, now)
            if verdict.stranger:
                self._offer_pairing(db, heard, now)
            return True
        if heard.kind is not Kind.SAID:
            return self._changed_mind(db, heard, verdict.binding.instance, now)
        state = "kept" if verdict.order is None else "order"
        kept = kept_ones.put(db, heard, verdict.binding.instance, now, state)
        self._say.mark(db, kept, Mark.KEPT)
        return kept

    def _offer_pairing(self, db: sqlite3.Connection, heard: Heard, now: float) -> None:
        if heard.place.team not in self._spec().access.teams:
            return
        code = pairings.ask(db, heard.sender, heard.place.team, now)
        if code:
            words = f"I do not know you. Whoever runs this can let you in within an hour: ccmux channel pair {code}"
            self._say.at(db, heard.place, Notice(words))

    def _changed_mind(self, db: sqlite3.Connection, heard: Heard, instance: str, now: float) -> Kept | bool:
        """An edit or a deletion of something that was kept. What the instance has not begun is replaced or taken back."""
        before = kept_ones.latest_of(db, heard.place.room, heard.native)
        if before is None or before.sender.id != heard.sender.id:
            notes.drop(db, heard, f"{heard.kind} what was not kept", now)
            return True
        if heard.kind is Kind.EDITED:
            refused = _no_news(heard, before, instance)
            if refused:
                notes.drop(db, heard, refused, now)
                return True
        unheard = kept_ones.withdraw(db, before.name)
        if heard.kind is Kind.DELETED:
            notes.drop(db, heard, "deleted by who said it", now)
            if not unheard:
                self._take_back(db, before)
            return True
        if unheard:
            return kept_ones.put(db, heard, before.instance, now)
        self._take_back(db, before)
        return kept_ones.put(db, _as_edit(heard), before.instance, now)

    def _after(self, kept: Kept, heard: Heard, verdict: Accepted | Dropped) -> None:
        if isinstance(verdict, Accepted) and verdict.order is not None and heard.kind is Kind.SAID:
            self._spawn(self._carry_out(kept, verdict.order), f"order {verdict.order.verb}")
        elif not kept.fetched:
            self.fetching.set()
        else:
            self._handed(kept.instance)

    # orders and answers of people

    async def _carry_out(self, kept: Kept, order: Commanded) -> None:
        """At most once: it is written down as done before it is."""
        said = await self._order(kept.instance, f"/{order.verb} {order.code} {order.rest}".strip(), kept.sender)
        await self._db.insist(lambda db: self._say.about(db, kept, Notice(said)))
        self._say.kick()

    async def _order(self, instance: str, text: str, sender: Sender) -> str:
        try:
            told = await instances.ask(instance, op="order", text=text, sender=who(sender))
        except CcmuxError as error:
            return f"not done: {error.what}"
        return str(told.get("said", ""))

    async def order(self, text: str, sender: Sender, place: Place) -> str:
        """As `Inlet.order` says: `status`, or with the instance before it: `project-a status`."""
        spec = self._spec()
        if not may_decide(sender, spec):
            return f"Only operators may do that; you are {sender.id} (ccmux channel allow {sender.id} --operator)."
        if place.team not in spec.access.teams:
            return "Nobody is heard in another workspace."
        words = text.split(None, 1)
        bound = spec.of_room(place.room, direct=place.direct)
        named = next((one for one in spec.bind if words and one.instance == words[0]), None)
        if named is not None:
            bound, words = named, words[1:]
        order = commanded("/" + " ".join(words))
        if order is None:
            return f"Say one of: {ORDERS}"
        if bound is None:
            return "This room is bound to no instance; say its name first: NAME status"
        return await self._order(bound.instance, "/" + " ".join(words), sender)

    async def press(self, press: Press) -> str:
        """As `Inlet.press` says."""
        spec = self._spec()
        bound = spec.of_room(press.place.room, direct=press.place.direct)
        if not may_decide(press.sender, spec):
            return f"Only operators may decide that; you are {press.sender.id}."
        if press.place.team not in spec.access.teams or bound is None:
            return "This room is not bound to an instance any more."
        try:
            await instances.ask(
                bound.instance,
                op="approve" if press.allow else "deny",
                id=press.approval,
                sender=who(press.sender),
                **({"session": True} if press.session else {}),
                **({"answers": press.answers} if press.answers else {}),
            )
        except Refused as error:
            self._spawn(self._say.decided(bound.instance, press.approval), "decided before")
            return f"Too late: {error.what}"
        except CcmuxError as error:
            return f"Not done: {error.what}"
        return ""

    def _take_back(self, db: sqlite3.Connection, kept: Kept) -> None:
        """Have the instance forget it, once the loop has time; in the spool's thread."""
        kept_ones.regret(db, kept.name)
        if kept.message_id:
            self._loop.call_soon_threadsafe(self.cancel, kept.instance, kept.message_id)

    def cancel(self, instance: str, message_id: str) -> None:
        """Soon, while it still waits; else its turn runs, or ran, and is answered."""
        self._spawn(self._cancel(instance, message_id), f"cancel {message_id}")

    async def _cancel(self, instance: str, message_id: str) -> None:
        try:
            await instances.ask(instance, op="cancel", id=message_id)
        except CcmuxError as error:
            log.info("%s stays: %s", message_id, error.what)

    async def doubt_orders(self) -> None:
        """At a start, before anything is heard: of what a killed process was told to do nobody knows whether it was done."""

        def work(db: sqlite3.Connection) -> None:
            for kept in kept_ones.untold_orders(db):
                said = f"nobody knows whether this was done: the gateway ended. Look (/status), then say it again: {kept.text}"
                self._say.about(db, kept, Notice(said[:300], trouble=True))

        await self._db.insist(work)
        self._say.kick()

    async def let_go(self, there: Callable[[str], bool], *, unbound: bool) -> None:
        """Tell who waits for an instance that is no longer `there`, or whose room is another's (`unbound`: or nobody's)."""
        spec = self._spec()

        def work(db: sqlite3.Connection) -> None:
            for kept in kept_ones.unanswered(db):
                bound = spec.of_room(kept.place.room, direct=kept.place.direct)
                if kept.state == "taken":
                    why = "" if there(kept.instance) else f"{kept.instance} was removed before it answered"
                elif bound is None:
                    why = "not taken: this room is bound to no instance any more" if unbound else ""
                else:
                    why = "" if bound.instance == kept.instance else "not taken: this room is another instance's now"
                if why and kept_ones.ended(db, kept.name, "failed" if kept.state == "taken" else "refused", why):
                    log.warning("%s for %s: %s", kept.name, kept.instance, why)
                    self._say.about(db, kept, Notice(why, trouble=True))
                    self._say.mark(db, kept, Mark.FAILED)

        await self._db.insist(work)
        self._say.kick()

    # reading back

    async def rooms(self) -> Sequence[Room]:
        """As `Inlet.rooms` says."""
        since = time.time() - _THREADS_OF
        bound = [one.room for one in self._spec().bind]

        def work(db: sqlite3.Connection) -> tuple[list[Room], list[str]]:
            named = [room for room in bound if room != DIRECT]
            direct = kept_ones.direct_rooms(db, since) if DIRECT in bound else []
            rooms = dict.fromkeys([*named, *direct])
            return [
                Room(room, notes.cursor(db, room), tuple(kept_ones.threads(db, room, since))) for room in rooms
            ], direct

        rooms, direct = await self._db.read(work)
        if DIRECT in self.behind:  # from now on each for itself
            self.behind = {*self.behind, *direct} - {DIRECT}
            if not direct:
                self._handed("")
        return rooms

    async def read_back(self, room: str, cursor: str) -> None:
        """As `Inlet.read_back` says."""
        await self._db.insist(partial(notes.read_back, room=room, ord_=cursor, now=time.time()))

    def caught_up(self, room: str) -> None:
        """As `Inlet.caught_up` says."""
        if room in self.behind:
            self.behind.discard(room)
            self._handed("")

    def changed(self) -> None:
        """As `Inlet.changed` says."""
        up = self._transport.health().state == "up"
        if up and not self._up and self._transport.caps.history:
            self.hold_back()
        self._up = up
        self._changed()

    def hold_back(self) -> None:
        """What was said while we were away comes first: rooms wait until they are read back, within a time."""
        self.behind = {one.room for one in self._spec().bind}
        if self._patience is not None:
            self._patience.cancel()
        self._patience = asyncio.get_running_loop().call_later(_CATCH_UP_WITHIN, self._patience_ends)

    def _patience_ends(self) -> None:
        if self.behind:
            log.warning(
                "%s could not be read back in time: what waits there is handed on", ", ".join(sorted(self.behind))
            )
            self.behind = set()
            self._handed("")


def who(sender: Sender) -> str:
    """A person as the audit and the envelope name them: the id counts, the name helps."""
    return f"{sender.id}:{sender.name}" if sender.name else sender.id


def _no_news(heard: Heard, before: Kept, instance: str) -> str:
    """Why an edit is nothing to its instance. What was read back was edited already when it was kept."""
    if before.state == "order":
        return "an edit of an order"
    if before.instance != instance:
        return "an edit of what another instance was told"
    same = before.files == heard.files and before.text in (heard.text, _as_edit(heard).text)
    return "an edit that changes nothing" if same else ""


def _as_edit(heard: Heard) -> Heard:
    return replace(heard, text=f"(an earlier message was edited, it now says:) {heard.text}")
