"""Reading back: what the history tells is the truth, what the socket tells is only sooner."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from ccmux.errors import CcmuxError, DiskTrouble, GatewayError, NotNow, Rejected, Undeliverable, Unsure
from ccmux.gateways.base import Inlet, Room
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.events import Own, edit, heard, order
from ccmux.gateways.slack.outcome import MissingScope
from ccmux.gateways.slack.reader import Reader
from ccmux.gateways.slack.standing import Standing
from ccmux.gateways.slack.timing import Timing

_SAME: Final = 10_000
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
"""Seconds between the tries of one call."""
_RECENT: Final = 4 * 86_400.0
"""Threads begun so many seconds ago are found by reading the room; older ones are read one by one."""
Known = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, str]]]


class Back:
    """Reads every room from its cursor: at each connection, after a sleep, and every few minutes."""

    def __init__(self, api: Api, reader: Reader, standing: Standing, timing: Timing, names: Known) -> None:
        self._api, self._reader, self._standing, self._timing = api, reader, standing, timing
        self._names = names
        self._wanted = asyncio.Event()
        self._as_edited: dict[str, None] = {}
        """keys of messages that were new to us in their edited form: that edit is no news"""
        self.missed: Callable[[float], None] = lambda _at: None
        """a message came by the history that the socket had not brought, said at"""
        self.refused: Callable[[str], None] = lambda _why: None
        """our token is taken no more"""
        self._again = False

    def want(self) -> None:
        """Read now, or once more when it is reading."""
        self._wanted.set()

    async def run(self, inlet: Inlet, own: Callable[[], Own | None]) -> None:
        """For ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._every())
            self._wanted.clear()
            known = own()
            if known is None:
                continue
            try:
                rooms = await inlet.rooms()
            except CcmuxError as error:
                self._api.log.warning("nothing is read back: %s", error.what)
                continue
            self._again = False
            for room in rooms:
                await self.room(inlet, known, room)

    def _every(self) -> float:
        """Oftener while others take events away, or when a room could not be read: what was said there is only found here."""
        return self._timing.poll / (10 if self._standing.health.rivals or self._again else 1)

    async def room(self, inlet: Inlet, own: Own, room: Room) -> None:
        """One room to its end. Whatever happens, what waits there is let go on."""
        try:
            await self._read(inlet, own, room)
            self._standing.note(room.id, "")
        except (Undeliverable, Rejected) as error:
            if isinstance(error, Rejected) and not isinstance(error, MissingScope):
                self.refused(error.what)
            if self._standing.note(room.id, f"{room.id} cannot be read: {error.what}"):
                self._api.log.warning("%s cannot be read: %s", room.id, error)
        except (GatewayError, DiskTrouble) as error:
            self._again = True
            self._api.log.info("%s was not read back: %s", room.id, error.what)
        except Exception:  # one room's history, which we did not write, keeps no other from being read
            self._again = True
            self._api.log.exception("%s was not read back", room.id)
        finally:
            inlet.caught_up(room.id)

    async def _read(self, inlet: Inlet, own: Own, room: Room) -> None:
        if not room.cursor:
            newest = await self._reader.newest(room.id)
            present = int(time.time() - self._timing.settle) - 1  # of some messages a ts has whole seconds and a number
            await inlet.read_back(room.id, newest or order(f"{present}.000000"))
            return
        settled = order(f"{max(time.time() - self._timing.settle, 0):.6f}")
        recent = [one for one in room.threads if order(one) > order(f"{time.time() - _RECENT:.6f}")]
        begin = min([room.cursor, *(_before(one) for one in recent)])
        said = await self._since(room.id, begin)
        new = [one for one in said if order(one["ts"]) > room.cursor]
        for message in new:
            await self._put(inlet, own, message)
        reached = [order(one["ts"]) for one in new]
        older = [one for one in room.threads if one not in recent]
        unread: GatewayError | None = None
        for thread in dict.fromkeys([*older, *_alive(said, recent, room.cursor)]):
            try:
                answers = await self._since(room.id, room.cursor, thread)
            except Undeliverable:
                continue  # the message that began it was deleted
            except (NotNow, Unsure) as error:
                unread = error  # the others are not held up; the cursor stays, so that this one is read next time
                continue
            for message in answers:
                await self._put(inlet, own, message)
            reached += [order(one["ts"]) for one in answers]
        if unread is not None:
            raise unread
        known = min(settled, _until(said))
        cursor = max((at for at in reached if at <= known), default="")
        if cursor:
            await inlet.read_back(room.id, cursor)

    async def _since(self, room: str, after: str, thread: str = "") -> list[dict[str, Any]]:
        """A few tries, where Slack has a bad moment: one room may take many calls, and each must do."""
        for pause in _PAUSES:
            try:
                return await self._reader.since(room, after, thread)
            except (NotNow, Unsure) as error:
                await asyncio.sleep(getattr(error, "after", 0.0) or pause)
        return await self._reader.since(room, after, thread)

    async def _put(self, inlet: Inlet, own: Own, message: Mapping[str, Any]) -> None:
        names = await self._names(message)
        said = heard(message, own, names)
        if said is None:
            return
        new = await inlet.put(said)
        edited = edit(message, own, names)
        if new and edited is not None:
            self._as_edited[edited.key] = None
            if len(self._as_edited) > _SAME:
                del self._as_edited[next(iter(self._as_edited))]
        elif edited is not None and edited.key not in self._as_edited:
            await inlet.put(edited)
        if new:
            self.missed(said.at)


def _alive(said: Sequence[Mapping[str, Any]], threads: Sequence[str], after: str) -> list[str]:
    """Of the threads that are known or have just begun, those in which something was said since: one reading of the room
    tells that of all of them.
    """
    found, wanted = {str(one["ts"]): one for one in said}, set(threads)
    known = [ts for ts, one in found.items() if one.get("reply_count") and (ts in wanted or order(ts) > after)]
    quiet = {ts for ts in known if "" < order(str(found[ts].get("latest_reply", ""))) <= after}
    return [*(ts for ts in known if ts not in quiet), *(ts for ts in threads if ts not in found)]


def _until(said: Sequence[Mapping[str, Any]]) -> str:
    """Up to where this reading of the room tells for certain. A reply that came only while the threads were read says nothing
    of what was said in the room itself before it.
    """
    return max((order(str(one.get(key, ""))) for one in said for key in ("ts", "latest_reply")), default="")


def _before(ts: str) -> str:
    """One second before: readings begin after what they are given."""
    return order(f"{max(float(ts) - 1, 0):.6f}")
