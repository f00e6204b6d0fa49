"""Channels and people by name."""

from __future__ import annotations

import pytest

from ccmux.errors import Rejected, Undeliverable, UsageError
from ccmux.gateways.slack import rooms
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.rooms import Names
from tests.fakes.slack import SCOPES, Fault
from tests.gateways.slack.conftest import World, transport


@pytest.fixture
def api(world: World) -> Api:
    return world.transport.api


async def test_a_channel_is_found_by_name_and_by_id(world: World, api: Api) -> None:
    for name in ("#project-a", "project-a", world.room.id):
        found = await rooms.find(api, name)
        assert found is not None
        assert (found.id, found.name, found.member) == (world.room.id, "project-a", True)
    assert await rooms.find(api, "#nothing") is None
    assert await rooms.find(api, "C0123456789") is None
    with pytest.raises(UsageError):
        await rooms.find(api, "two words")


async def test_one_among_many_pages_is_found(world: World, api: Api) -> None:
    made = [world.slack.channel(f"c{number}") for number in range(1200)]
    found = await rooms.find(api, "#c1199")
    assert found is not None
    assert found.id == made[-1].id


async def test_what_is_there_is_joined_and_what_is_not_is_made(world: World, api: Api) -> None:
    public = world.slack.channel("open", world.ann)
    assert (await rooms.enter(api, "#open")).member
    assert world.bot.user.id in public.members
    assert (await rooms.enter(api, "#open")).id == public.id
    made = await rooms.enter(api, "#project-b")
    assert (made.name, made.member) == ("project-b", True)
    assert (await rooms.enter(api, "#project-b")).id == made.id


async def test_a_private_channel_must_be_invited_to(world: World, api: Api) -> None:
    with pytest.raises(Undeliverable) as caught:
        await rooms.join(api, rooms.Channel("C1", "secret", private=True))
    assert "/invite" in caught.value.fix
    assert not world.slack.calls("conversations.join")


async def test_a_scope_that_is_missing_is_named(world: World) -> None:
    poor = world.slack.bot("poor", scopes=SCOPES - {"channels:manage"})
    other = transport(world.slack, poor)
    try:
        with pytest.raises(Rejected, match="channels:manage"):
            await rooms.enter(other.api, "#project-b")
    finally:
        await other.close()


async def test_names_are_asked_for_once_and_waited_for_a_moment(world: World, api: Api) -> None:
    names = Names(api, 1.0)
    assert await names.of([world.ann.id, "U0000000"]) == {world.ann.id: "ann"}
    assert await names.of([world.ann.id, "U0000000"]) == {world.ann.id: "ann"}
    assert len(world.slack.calls("users.info")) == 2
    bob = world.slack.person("bob")
    world.slack.faults.add("users.info", Fault("hang"))
    assert await Names(api, 0.1).of([bob.id]) == {}
