"""What a kind of gateway must do: a test module of a kind imports this and gives a `counterpart`.

from tests.gateways.contract import *

@pytest.fixture
async def counterpart(...) -> AsyncIterator[Counterpart]: ...
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from ccmux.gateways.base import Room, Transport
from ccmux.gateways.words import (
    Act,
    Answer,
    Asked,
    Draft,
    Heard,
    Mark,
    Notice,
    Out,
    Place,
    Press,
    Progress,
    Sender,
    Verb,
)

__all__ = [
    "Counterpart",
    "Ear",
    "listening",
    "test_a_post_is_found_again_by_our_id_and_nothing_else_is",
    "test_a_reaction_that_is_there_is_done",
    "test_everything_that_may_be_said_can_be_drafted_and_performed",
    "test_what_is_said_is_put_in_order_with_a_key_of_its_own",
    "test_what_was_said_while_nobody_listened_is_read_back",
]

APPROVAL = {
    "id": "a-1",
    "code": "k3f9",
    "instance": "a",
    "kind": "tool",
    "tool": "Bash",
    "input": {"command": "make"},
    "cwd": "/src/a",
    "cause": {"message_id": "m-1", "channel": "slack", "sender": "anna"},
    "options": [],
    "created_at": 0.0,
    "expires_at": 3600.0,
    "state": "open",
    "decided_by": "",
    "reason": "",
}


class Counterpart(Protocol):
    """The service, as a person sees it."""

    transport: Transport
    place: Place
    """a room in which both are"""

    async def say(self, text: str) -> str:
        """A person says that; the service's id."""

    async def texts(self) -> list[str]:
        """What stands in the room and was not said by the person."""


class Ear:
    """An Inlet that keeps everything in a list."""

    def __init__(self, room: str, cursor: str = "") -> None:
        self.room, self.cursor = room, cursor
        self.heard: list[Heard] = []
        self._keys: set[str] = set()
        self.more = asyncio.Condition()

    async def put(self, heard: Heard) -> bool:
        async with self.more:
            fresh = heard.key not in self._keys
            self._keys.add(heard.key)
            if fresh:
                self.heard.append(heard)
            self.more.notify_all()
        return fresh

    async def press(self, press: Press) -> str:
        return f"pressed {press.approval}"

    async def order(self, text: str, sender: Sender, place: Place) -> str:
        return f"{sender.id} orders {text} in {place.room}"

    async def rooms(self) -> Sequence[Room]:
        return [Room(self.room, self.cursor)]

    async def read_back(self, room: str, cursor: str) -> None:
        assert room == self.room
        async with self.more:
            self.cursor = max(self.cursor, cursor)
            self.more.notify_all()

    def caught_up(self, room: str) -> None:
        assert room == self.room

    def changed(self) -> None:
        return

    async def until(self, count: int) -> list[Heard]:
        async with asyncio.timeout(60), self.more:
            await self.more.wait_for(lambda: len(self.heard) >= count)
        return self.heard


@contextlib.asynccontextmanager
async def listening(counterpart: Counterpart, cursor: str = "") -> AsyncIterator[Ear]:
    inlet = Ear(counterpart.place.room, cursor)
    running = asyncio.create_task(counterpart.transport.run(inlet))
    try:
        yield inlet
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_what_is_said_is_put_in_order_with_a_key_of_its_own(counterpart: Counterpart) -> None:
    async with listening(counterpart) as inlet:
        while counterpart.transport.health().state != "up":
            await asyncio.sleep(0.02)
        said = [await counterpart.say(f"message {number}") for number in range(5)]
        heard = [one for one in await inlet.until(5) if one.text.startswith("message")]
    assert [one.text for one in sorted(heard, key=lambda one: one.order)] == [
        f"message {number}" for number in range(5)
    ]
    assert [one.native for one in sorted(heard, key=lambda one: one.order)] == said
    assert len({one.key for one in heard}) == 5
    assert {one.place.room for one in heard} == {counterpart.place.room}
    assert all(one.sender.id and one.place.team for one in heard)


async def test_what_was_said_while_nobody_listened_is_read_back(counterpart: Counterpart) -> None:
    if not counterpart.transport.caps.history:
        pytest.skip("this service keeps no history")
    async with listening(counterpart) as inlet:
        while counterpart.transport.health().state != "up":
            await asyncio.sleep(0.02)
        await counterpart.say("before")
        await inlet.until(1)
        async with asyncio.timeout(60), inlet.more:
            await inlet.more.wait_for(lambda: bool(inlet.cursor))
    for number in range(3):
        await counterpart.say(f"away {number}")
    async with listening(counterpart, inlet.cursor) as later:
        await later.until(3)
    assert [one.text for one in sorted(later.heard, key=lambda one: one.order)][-3:] == [f"away {n}" for n in range(3)]
    assert not {one.key for one in inlet.heard} & {one.key for one in later.heard if one.text.startswith("away")}


async def test_a_post_is_found_again_by_our_id_and_nothing_else_is(counterpart: Counterpart) -> None:
    transport = counterpart.transport
    (draft,) = transport.drafts(Answer("the answer"))
    act = Act("m-aaaaaaaaaaaaaaa", counterpart.place, draft)
    native = await transport.perform(act)
    assert native
    assert any("the answer" in text for text in await counterpart.texts())
    if transport.caps.finds:
        assert await transport.find(act) == native
        assert await transport.find(Act("m-bbbbbbbbbbbbbbb", counterpart.place, draft)) is None


async def test_a_reaction_that_is_there_is_done(counterpart: Counterpart) -> None:
    if not counterpart.transport.caps.reactions:
        pytest.skip("this service has no reactions")
    native = await counterpart.say("mark this")
    first = counterpart.transport.mark(Mark.KEPT, None)
    for draft in (*first, *first, *counterpart.transport.mark(Mark.DONE, Mark.KEPT)):
        await counterpart.transport.perform(Act("m-c", counterpart.place, draft, native))


async def test_everything_that_may_be_said_can_be_drafted_and_performed(
    counterpart: Counterpart, tmp_path: Path
) -> None:
    transport = counterpart.transport
    file = tmp_path / "report.txt"
    file.write_text("what was found")
    outs: tuple[Out, ...] = (
        Answer("*short*", (str(file),) if transport.caps.uploads else ()),
        Answer(""),
        Answer("x" * 50_000),
        Notice("queued: 2 before it"),
        Notice("not taken: too long", trouble=True),
        Asked(APPROVAL),
        Asked({**APPROVAL, "state": "allowed", "decided_by": "anna"}),
        Progress(("reading app.py", "running tests")),
    )
    for number, out in enumerate(outs):
        drafts = transport.drafts(out)
        assert drafts
        assert transport.drafts(out) == drafts
        for part, draft in enumerate(drafts):
            native = await transport.perform(Act(f"m-{number}-{part}", counterpart.place, draft))
            if transport.caps.edits and draft.verb is Verb.POST:
                edit = Draft(Verb.EDIT, draft.body, draft.plain)
                await transport.perform(Act(f"m-{number}-{part}-e", counterpart.place, edit, native))
                if isinstance(out, Progress):
                    await transport.perform(Act("m-gone", counterpart.place, Draft(Verb.DELETE), native))
    assert transport.health().since <= time.time()
