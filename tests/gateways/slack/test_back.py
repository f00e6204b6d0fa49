"""What the socket did not bring is read back, once, in order, from a cursor of its own."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import msgspec
import pytest

from ccmux.errors import NotNow, Rejected
from ccmux.gateways.base import Room
from ccmux.gateways.slack.events import order, ts
from ccmux.gateways.words import Kind
from tests.fakes.slack import FakeSlack, Fault
from tests.gateways.slack.conftest import FAST, World, transport


async def test_an_empty_cursor_begins_at_the_present(world: World) -> None:
    last = [world.ann.post(world.room, f"old {number}") for number in range(3)][-1]
    world.bind("")
    await world.up()
    assert world.inlet.listed[world.room.id].cursor == order(last.ts)
    assert world.inlet.heard == []


async def test_an_empty_room_has_a_cursor_too(world: World) -> None:
    world.bind("")
    await world.up()
    assert world.inlet.listed[world.room.id].cursor > order("1000000000.000000")


async def test_many_pages_come_oldest_first_and_the_cursor_is_not_included(world: World) -> None:
    first = world.ann.post(world.room, "before")
    for number in range(450):
        world.ann.post(world.room, str(number))
    world.bind(order(first.ts))
    await world.up()
    assert world.inlet.texts == [str(number) for number in range(450)]
    assert world.inlet.again == []
    assert world.inlet.listed[world.room.id].cursor == world.inlet.heard[-1].order


async def test_half_lost_by_the_socket_and_nothing_lost_in_the_end(world: World) -> None:
    world.bind()
    world.slack.faults.add("socket.event", Fault("lose"), times=None, chance=0.5)
    world.transport = transport(world.slack, world.bot, msgspec.structs.replace(FAST, poll=0.1, late=3600.0))
    await world.up()
    chance = random.Random(1)  # noqa: S311
    threads = [world.ann.post(world.room, f"thread {number}") for number in range(3)]
    world.bind(world.inlet.listed[world.room.id].cursor, *(one.ts for one in threads))
    for number in range(300):
        world.ann.post(world.room, str(number), chance.choice(["", *(one.ts for one in threads)]))
    await world.inlet.until(lambda: len(world.inlet.heard) == 303)
    assert {one.key for one in world.inlet.heard} == {
        f"slack:{world.bot.team.id}:{world.room.id}:{message.ts}" for message in world.slack.messages(world.room)
    }


async def test_replies_of_known_and_of_new_threads_are_read(world: World) -> None:
    old = world.ann.post(world.room, "old")
    known = world.ann.post(world.room, "known")
    world.bind(order(known.ts), known.ts)
    new = world.ann.post(world.room, "new")
    for thread, text in ((known, "to known"), (new, "to new"), (old, "to a thread of which nobody knows")):
        world.ann.post(world.room, text, thread.ts)
    await world.up()
    assert sorted((one.text, one.place.thread) for one in world.inlet.heard) == [
        ("new", ""),
        ("to known", known.ts),
        ("to new", new.ts),
    ]
    assert len(world.slack.calls("conversations.replies")) == 2


async def test_quiet_threads_cost_nothing(world: World) -> None:
    threads = [world.ann.post(world.room, str(number)) for number in range(100)]
    for thread in threads[:50]:
        world.ann.post(world.room, "early", thread.ts)
    last = world.ann.post(world.room, "last")
    world.ann.post(world.room, "late", threads[7].ts)
    world.bind(order(last.ts), *(one.ts for one in threads))
    await world.up()
    assert [(one.text, one.place.thread) for one in world.inlet.heard] == [("late", threads[7].ts)]
    assert len(world.slack.calls("conversations.replies")) == 1


async def test_a_thread_whose_beginning_is_long_ago_is_read(world: World) -> None:
    past = time.time() - 30 * 86_400
    world.slack.world._clock = lambda: past
    old = world.ann.post(world.room, "old")
    world.slack.world._clock = time.time
    last = world.ann.post(world.room, "last")
    world.ann.post(world.room, "late", old.ts)
    world.bind(order(last.ts), old.ts)
    await world.up()
    assert world.inlet.texts == ["late"]


async def test_the_same_by_both_ways_is_one(world: World) -> None:
    world.bind()
    await world.up()
    world.ann.post(world.room, "hello")
    await world.inlet.until(lambda: world.inlet.texts == ["hello"])
    await world.slack.disconnect(world.bot)
    await world.inlet.until(lambda: world.inlet.again)
    assert world.inlet.texts == ["hello"]


async def test_an_edit_that_was_missed_is_told_when_the_message_was_known(world: World) -> None:
    world.bind()
    await world.up()
    said = world.ann.post(world.room, "one")
    await world.inlet.until(lambda: world.inlet.texts == ["one"])
    await world.slack.down()
    world.ann.edit(world.room, said, "two")
    unknown = world.ann.post(world.room, "three")
    world.ann.edit(world.room, unknown, "four")
    await world.slack.up()
    await world.inlet.until(lambda: len(world.inlet.heard) == 3)
    assert [(one.text, one.kind) for one in world.inlet.heard[1:]] == [("two", Kind.EDITED), ("four", Kind.SAID)]


async def test_a_full_disk_leaves_the_cursor_where_it_is(world: World) -> None:
    world.bind()
    for number in range(3):
        world.ann.post(world.room, str(number))
    world.inlet.disk_troubles = 1
    await world.up()
    assert world.inlet.caught == [world.room.id]
    assert world.inlet.listed[world.room.id].cursor == "000000000000.000000"
    await world.slack.disconnect(world.bot)
    await world.inlet.until(lambda: world.inlet.texts == ["0", "1", "2"])


async def test_a_room_that_cannot_be_read_is_told_and_waits_for_nobody(world: World) -> None:
    other = world.slack.channel("elsewhere", world.ann)
    world.inlet.listed[other.id] = Room(other.id, "000000000000.000000")
    world.bind()
    world.ann.post(world.room, "hello")
    await world.up()
    assert set(world.inlet.caught) == {other.id, world.room.id}
    assert world.inlet.texts == ["hello"]
    assert other.id in world.transport.health().reason


async def test_a_limit_is_waited_for(world: World) -> None:
    world.bind()
    world.ann.post(world.room, "hello")
    world.slack.faults.add("conversations.history", Fault("limited", seconds=1.0))
    await world.up()
    assert world.inlet.texts == ["hello"]


async def test_a_history_that_is_late_is_read_once_more(world: World) -> None:
    world.bind()
    late = msgspec.structs.replace(FAST, settle=60.0, poll=0.1)
    world.transport = transport(world.slack, world.bot, late)
    world.slack.faults.add("socket.event", Fault("lose"), times=2)
    await world.up()
    world.slack.lag(reads=2)
    world.ann.post(world.room, "one")
    world.slack.lag()
    world.ann.post(world.room, "two")
    await world.inlet.until(lambda: set(world.inlet.texts) == {"one", "two"})


@pytest.mark.parametrize("given", ["1700000000.000100", "1.000000", "999999999999.999999"])
def test_an_order_is_a_ts(given: str) -> None:
    assert ts(order(given)) == given
    assert ts("") == "0"
    assert order("nonsense") == ""


def test_orders_sort_as_text() -> None:
    assert order("999.000000") < order("1700000000.000100") < order("1700000000.000200") < order("10000000000.000000")


@pytest.mark.parametrize("threaded", [False, True])
async def test_how_many_programs_it_went_through_is_asked_for_where_the_event_does_not_tell(
    world: World, threaded: bool
) -> None:
    other = world.slack.bot("other")
    world.room.members.add(other.user.id)
    mate = transport(world.slack, other)
    thread = world.ann.post(world.room, "question").ts if threaded else ""
    ts = await mate.perform(msgspec.structs.replace(world.act(thread=thread), hops=3))
    await mate.close()
    await world.up()
    event = {"channel": world.room.id, **world.room.messages[ts].data, "metadata": {"event_type": "ccmux_delivery"}}
    await world.transport._event({"event": event})
    (said,) = world.inlet.heard
    assert said.hops == 3
    world.slack.faults.add("*", Fault("status"), times=None)
    with pytest.raises(NotNow):
        await world.transport._event({"event": event})


async def test_what_bots_say_names_them(world: World) -> None:
    other = world.slack.bot("other")
    world.room.members.add(other.user.id)
    mate = transport(world.slack, other)
    await world.up()
    try:
        act: Any = msgspec.structs.replace(world.act(text="from a program"), hops=2)
        await mate.perform(act)
        await world.transport.perform(world.act(text="from ourselves"))
        world.ann.post(world.room, "from ann")
        await world.inlet.until(lambda: len(world.inlet.heard) == 2)
    finally:
        await mate.close()
    program, person = world.inlet.heard
    assert (program.text, program.sender.bot, program.sender.id) == ("from a program", True, other.user.id)
    assert (person.text, person.sender.bot) == ("from ann", False)
    assert isinstance(world.slack, FakeSlack)


async def test_what_is_said_while_threads_are_read_is_not_passed_over(world: World) -> None:
    first = world.ann.post(world.room, "before")
    root = world.ann.post(world.room, "a thread")
    world.ann.post(world.room, "first reply", root.ts)
    world.slack.faults.add("socket.event", Fault("lose"), times=None)
    slow = world.slack.faults.add("conversations.replies", Fault("delay", seconds=0.3), times=None)
    world.bind(order(first.ts), root.ts)
    world.transport = transport(world.slack, world.bot, msgspec.structs.replace(FAST, poll=0.1, late=3600.0))
    await world.up()
    calls = world.slack.calls
    for number in range(6):  # in the room, then in the thread, each while the thread is being read
        known = len(calls("conversations.replies"))
        world.ann.post(world.room, "it goes on", root.ts)
        await world.slack.wait_for(lambda known=known: len(calls("conversations.replies")) > known)  # type: ignore[misc]
        world.ann.post(world.room, f"top {number}")
        world.ann.post(world.room, f"reply {number}", root.ts)
    slow.left = 0
    await world.inlet.until(lambda: {f"top {number}" for number in range(6)} <= set(world.inlet.texts))


async def test_a_token_that_is_revoked_later_is_told_as_such(world: World) -> None:
    world.bind()
    world.transport = transport(world.slack, world.bot, msgspec.structs.replace(FAST, poll=0.2))
    running = asyncio.create_task(world.transport.run(world.inlet))
    await world.inlet.until(lambda: world.transport.health().state == "up")
    world.slack.revoke(world.bot.token)
    with pytest.raises(Rejected, match="token_revoked"):
        await running
    health = world.transport.health()
    assert health.state == "credentials"
    assert "slack setup" in health.fix
