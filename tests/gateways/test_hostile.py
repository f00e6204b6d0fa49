"""What an instance, a writer of its FIFOs or a change in a bad moment must not be able to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccmux.core.link import Ack, Nack
from ccmux.fifo.peer import Said
from ccmux.gateways.config import DIRECT, Access, Binding, GatewaySpec
from ccmux.gateways.fetching import Fetching
from ccmux.gateways.home import Home
from ccmux.gateways.lines import Line
from ccmux.gateways.loopback import Loopback
from ccmux.gateways.reception import Reception
from ccmux.gateways.say import Say
from ccmux.gateways.spool import acts, notes
from ccmux.gateways.spool import heard as kept_ones
from ccmux.gateways.spool.heard import name_of
from ccmux.gateways.spool.schema import SPOOL
from ccmux.gateways.words import Heard, Kind, Place, Priority, RemoteFile, Sender
from ccmux.journal.database import Database

ANNA = Sender("anna")
ACCESS = Access(teams=("here",), users=("anna",), operators=("anna",))


class Desk:
    """A gateway's parts without its process: a spool, what is heard, a line to each instance."""

    def __init__(self, directory: Path, *bound: tuple[str, str]) -> None:
        self.files = directory / "files"
        self.files.mkdir()
        self.spec = GatewaySpec(access=ACCESS, bind=tuple(Binding(room, name) for room, name in bound))
        self.db = Database(directory / "spool.db", schema=SPOOL)
        self.spawned: list[str] = []
        transport = Loopback(directory / "rooms")
        say = Say(self.db, transport, lambda: self.spec, lambda: None)
        self.reception = Reception(
            self.db,
            transport,
            lambda: self.spec,
            say=say,
            handed=lambda _name: None,
            changed=lambda: None,
            spawn=self._spawn,
        )
        self.lines = {
            name: Line(name, self.db, reception=self.reception, say=say, files=self.files, begun=lambda _name: None)
            for _, name in bound
        }

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        work.close()
        self.spawned.append(name)

    async def hear(self, number: int, text: str, room: str = "r-a", **more: Any) -> str:
        key = f"t:{room}:{number}:{more.get('kind', '')}"
        place = Place(room, "", room.startswith("direct-"), "here")
        native, sender = more.pop("native", str(number)), more.pop("sender", ANNA)
        await self.reception.put(Heard(key, place, sender, native, f"{number:012}", float(number), text, **more))
        return name_of(key)

    async def state(self, name: str) -> str:
        kept = await self.db.read(lambda db: kept_ones.get(db, name))
        assert kept is not None
        return kept.state

    async def posts(self) -> list[tuple[str, str]]:
        rows = await self.db.read(acts.open_ones)
        return [(row.act.place.room, str(row.act.draft.body.get("text"))) for row in rows if not row.marks]


@asynccontextmanager
async def desk(directory: Path, *bound: tuple[str, str]) -> AsyncIterator[Desk]:
    made = Desk(directory, *(bound or (("r-a", "project-a"), ("r-b", "project-b"))))
    try:
        yield made
    finally:
        await made.db.close()


@pytest.mark.parametrize("frame", ["ack", "nack"])
def test_an_acknowledgement_of_anything_else_removes_no_files(tmp_path: Path, frame: str) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()

    async def main() -> None:
        async with desk(tmp_path) as at:
            for name in (str(precious), "../precious"):
                if frame == "ack":
                    await at.lines["project-a"].taken(Ack(1, name))
                else:
                    await at.lines["project-a"].refused(Nack(1, name, "no"))

    asyncio.run(main())
    assert precious.is_dir()


def test_an_instance_ends_no_message_of_another_and_says_nothing_in_its_room(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            name = await at.hear(1, "for b", "r-b")
            line = at.lines["project-a"]
            await line.taken(Ack(1, name, message="m-1"))
            await line.refused(Nack(1, name, "no"))
            await line.said(Said("r1", "forged", to=name))
            assert await at.state(name) == "kept"
            assert await at.posts() == [("r-a", "forged")]
            await at.lines["project-b"].taken(Ack(1, name, message="m-2"))
            assert await at.state(name) == "taken"

    asyncio.run(main())


async def test_an_order_from_an_unbound_room_is_for_nobody(tmp_path: Path) -> None:
    async with desk(tmp_path, (DIRECT, "project-a")) as at:
        told = await at.reception.order("stop", ANNA, Place("r-z", "", False, "here"))
        assert "bound to no instance" in told
        told = await at.reception.order("stop", ANNA, Place("direct-anna", "", True, "elsewhere"))
        assert "another workspace" in told


async def test_what_was_deleted_before_the_instance_had_it_is_taken_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        name = await at.hear(1, "remove everything")
        line = at.lines["project-a"]
        assert [one.id for one in await line.waiting(9)] == [name]
        await at.hear(2, "", kind=Kind.DELETED, native="1")
        await line.taken(Ack(1, name, message="m-1"))
        assert at.spawned == ["cancel m-1"]


async def test_an_edit_that_says_the_same_is_not_said_again(tmp_path: Path) -> None:
    """Read back, a message comes as it was edited, and then its edit, also to the process after one that was killed."""
    async with desk(tmp_path) as at:
        name = await at.hear(1, "as edited")
        line = at.lines["project-a"]
        await line.waiting(9)
        await line.taken(Ack(1, name, message="m-1"))
        await at.hear(2, "as edited", kind=Kind.EDITED, native="1")
        assert not await line.waiting(9)
        assert not at.spawned
        later = await at.hear(3, "otherwise", kind=Kind.EDITED, native="1")
        await at.hear(4, "otherwise", kind=Kind.EDITED, native="1")
        assert [one.id for one in await line.waiting(9)] == [later]


async def test_an_edit_in_a_room_that_changed_hands_goes_to_nobody(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        name = await at.hear(1, "for a")
        line = at.lines["project-a"]
        await line.waiting(9)
        await line.taken(Ack(1, name, message="m-1"))
        at.spec = GatewaySpec(access=ACCESS, bind=(Binding("r-a", "project-b"), Binding("r-b", "project-a")))
        await at.hear(2, "for b now", kind=Kind.EDITED, native="1")
        assert not await line.waiting(9)
        assert not await at.lines["project-b"].waiting(9)
        (dropped,) = await at.db.read(lambda db: notes.drops(db, 0.0))
        assert "another instance" in dropped.reason


async def test_why_there_is_no_answer_is_told_as_long_as_an_answer_would_be(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        name = await at.hear(1, "hello")
        await at.lines["project-a"].said(Said("r1", "", to=name, error="it could not be typed"))
        (row,) = [row for row in await at.db.read(acts.open_ones) if not row.marks]
        assert row.priority is Priority.FINAL


async def test_a_full_disk_ends_no_gateway_because_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCMUX_HOME", str(tmp_path))
    home = Home("loopback")
    home.path.mkdir(parents=True)
    home.files.write_text("in the way, as a full disk is")
    async with desk(tmp_path) as at:
        file = tmp_path / "given"
        file.write_text("x")
        name = await at.hear(1, "look", files=(RemoteFile("f", "given", 1, str(file)),))
        kept = await at.db.read(lambda db: kept_ones.get(db, name))
        assert kept is not None
        fetching = Fetching(
            at.db,
            Loopback(tmp_path / "rooms"),
            home.files,
            lambda: 1000,
            wanted=asyncio.Event(),
            handed=lambda _instance: None,
            spawn=lambda work, _name: work.close(),
        )
        assert await fetching.fetch(kept, last=False) is None
        assert "could not be had" in str(await fetching.fetch(kept, last=True))


async def test_in_direct_conversations_what_was_missed_comes_first(tmp_path: Path) -> None:
    async with desk(tmp_path, (DIRECT, "project-a")) as at:
        line, now = at.lines["project-a"], int(time.time())
        name = await at.hear(now, "long ago", "direct-anna")
        await line.taken(Ack(1, name, message="m-1"))
        at.reception.hold_back()
        live = await at.hear(now + 2, "the second", "direct-anna")
        assert not await line.waiting(9)
        assert [one.id for one in await at.reception.rooms()] == ["direct-anna"]
        missed = await at.hear(now + 1, "the first", "direct-anna")
        assert not await line.waiting(9)
        at.reception.caught_up("direct-anna")
        assert [one.id for one in await line.waiting(9)] == [missed, live]


async def test_a_direct_conversation_that_is_new_waits_for_no_other(tmp_path: Path) -> None:
    async with desk(tmp_path, (DIRECT, "project-a")) as at:
        at.reception.hold_back()
        name = await at.hear(1, "hello", "direct-anna")
        assert [one.id for one in await at.reception.rooms()] == ["direct-anna"]
        assert not await at.lines["project-a"].waiting(9)
        at.reception.caught_up("direct-anna")
        assert [one.id for one in await at.lines["project-a"].waiting(9)] == [name]


async def test_what_the_instance_has_is_not_refused_because_it_came_twice(tmp_path: Path) -> None:
    """The second copy of a letter finds its files gone: the first one took them."""
    async with desk(tmp_path) as at:
        name = await at.hear(1, "hello")
        line = at.lines["project-a"]
        await line.taken(Ack(1, name, message="m-1"))
        await line.refused(Nack(1, name, "its files cannot be read"))
        assert await at.state(name) == "taken"
        assert not await at.posts()


async def test_a_message_of_whose_files_none_could_be_had_goes_without(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        name = await at.hear(1, "look", files=(RemoteFile("f", "given", 1, "/nowhere"),))
        await at.db.run(lambda db: kept_ones.fetched(db, name, "\n(gone)"))
        (letter,) = await at.lines["project-a"].waiting(9)
        assert letter.files == ""
        (at.files / name).mkdir()
        (letter,) = await at.lines["project-a"].waiting(9)
        assert letter.files == str(at.files / name)


async def test_what_waits_in_a_room_that_changed_hands_is_told_so(tmp_path: Path) -> None:
    async with desk(tmp_path, ("r-a", "project-a"), ("r-b", "project-b"), ("r-c", "project-c")) as at:
        moved, unbound, own = await at.hear(1, "x"), await at.hear(2, "y", "r-b"), await at.hear(3, "z", "r-c")
        at.spec = GatewaySpec(access=ACCESS, bind=(Binding("r-a", "project-c"),))
        await at.reception.let_go(lambda _: True, unbound=False)
        assert [await at.state(one) for one in (moved, unbound, own)] == ["refused", "kept", "kept"]
        await at.reception.let_go(lambda _: True, unbound=True)
        assert [await at.state(one) for one in (moved, unbound, own)] == ["refused"] * 3
        assert [room for room, _ in await at.posts()] == ["r-a", "r-b", "r-c"]


async def test_what_a_removed_instance_had_taken_is_told_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        gone, stays = await at.hear(1, "x"), await at.hear(2, "y", "r-b")
        await at.lines["project-a"].taken(Ack(1, gone, message="m-1"))
        await at.lines["project-b"].taken(Ack(1, stays, message="m-1"))
        await at.reception.let_go("project-b".__eq__, unbound=True)
        assert [await at.state(one) for one in (gone, stays)] == ["failed", "taken"]
        assert [room for room, _ in await at.posts()] == ["r-a"]


async def test_an_order_that_a_kill_cut_short_is_told_to_be_in_doubt_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.hear(1, "/stop")
        assert at.spawned == ["order stop"]
        assert not await at.posts()
        await at.reception.doubt_orders()
        ((room, text),) = await at.posts()
        assert room == "r-a"
        assert "stop" in text
        await at.reception.doubt_orders()
        assert len(await at.posts()) == 1


async def test_what_has_no_place_is_not_dropped_in_silence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with desk(tmp_path, (DIRECT, "project-a")) as at:
        await at.lines["project-a"].said(Said("r1", "an answer", to="forgotten"))
        assert not await at.posts()
        assert "project-a" in caplog.text
        assert "no place" in caplog.text


@pytest.mark.parametrize("about", ["briefing morning", ""])
async def test_what_answers_nothing_is_worth_an_answer_and_said_where_the_instance_is_at_home(
    tmp_path: Path, about: str
) -> None:
    async with desk(tmp_path) as at:
        await at.lines["project-a"].said(Said("r1", "three projects, one is blocked", about=about))
        (row,) = [row for row in await at.db.read(acts.open_ones) if not row.marks]
        assert (row.act.place.room, row.priority) == ("r-a", Priority.FINAL)


async def test_where_there_are_direct_conversations_only_it_is_said_to_the_operator_who_wrote_last(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, (DIRECT, "main")) as at:
        line = at.lines["main"]
        await line.said(Said("r1", "nobody has ever written", about="briefing morning"))
        assert await at.posts() == []
        at.spec = msgspec.structs.replace(at.spec, access=Access(("here",), ("anna", "carl"), ("anna",)))
        await at.hear(1, "hello", "direct-anna")
        await at.hear(2, "hello", "direct-carl", sender=Sender("carl"))
        await line.said(Said("r2", "three projects", about="briefing morning"))
        assert await at.posts() == [("direct-anna", "three projects")]
