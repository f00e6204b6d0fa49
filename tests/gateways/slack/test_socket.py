"""What the socket brings is kept before it is acknowledged, in order, and no trouble of the net lasts."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import msgspec
import pytest

from ccmux.errors import Rejected
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.preflight import account, ticket
from ccmux.gateways.slack.tokens import Tokens
from ccmux.gateways.slack.transport import Slack
from tests.fakes.slack import SCOPES, Fault
from tests.gateways.slack.conftest import FAST, World, transport


async def test_a_message_is_heard_and_then_acknowledged(world: World) -> None:
    await world.up()
    world.inlet.open.clear()
    said = world.ann.post(world.room, "hello & <bye>")
    await world.slack.wait_for(lambda: [d for d in world.slack.ledger.deliveries if d.sent_at])
    assert not world.slack.acked(world.bot)
    world.inlet.open.set()
    await world.slack.wait_for(lambda: world.slack.acked(world.bot))
    (one,) = world.inlet.heard
    assert (one.text, one.native, one.sender.id) == ("hello & <bye>", said.ts, world.ann.id)
    assert one.sender.name == "ann"
    assert one.key == f"slack:{world.bot.team.id}:{world.room.id}:{said.ts}"


async def test_what_could_not_be_kept_is_not_acknowledged_and_comes_again(world: World) -> None:
    await world.up()
    world.inlet.disk_troubles = 1
    world.ann.post(world.room, "hello")
    await world.slack.wait_for(lambda: world.slack.acked(world.bot))
    assert world.inlet.texts == ["hello"]
    assert [d.attempt for d in world.slack.ledger.deliveries if d.acked_at] != [0]


async def test_order_is_that_of_arrival(world: World) -> None:
    await world.up()
    for number in range(100):
        world.ann.post(world.room, str(number))
    await world.inlet.until(lambda: len(world.inlet.heard) == 100)
    assert world.inlet.texts == [str(number) for number in range(100)]


async def test_a_connection_that_breaks_comes_back(world: World) -> None:
    world.bind()
    await world.up()
    for number in range(3):
        world.slack.cut(world.bot)
        world.ann.post(world.room, str(number))
        await world.inlet.until(lambda: len(world.inlet.heard) == number + 1)
    assert sorted(world.inlet.texts) == ["0", "1", "2"]


async def test_clean_disconnects_lose_nothing_and_double_nothing(world: World) -> None:
    world.bind()
    await world.up()
    for number in range(60):
        if number % 20 == 10:
            await world.slack.disconnect(world.bot)
        world.ann.post(world.room, str(number))
        await asyncio.sleep(0)
    await world.inlet.until(lambda: len(world.inlet.heard) == 60)
    assert sorted(map(int, world.inlet.texts)) == list(range(60))


async def test_a_refused_handshake_does_not_deafen_for_ever(world: World) -> None:
    world.bind()
    world.slack.faults.add("socket.handshake", Fault("status", status=408))
    await world.up()
    world.slack.faults.add("socket.handshake", Fault("status", status=408))
    world.slack.cut(world.bot)
    world.ann.post(world.room, "hello")
    await world.inlet.until(lambda: world.inlet.texts == ["hello"])
    await world.inlet.until(lambda: world.transport.health().state == "up")


async def test_a_half_open_connection_is_replaced(world: World) -> None:
    world.bind()
    await world.up()
    world.slack.deafen(world.bot)
    world.ann.post(world.room, "hello")
    await world.inlet.until(lambda: world.inlet.texts == ["hello"])


async def test_a_slack_that_is_down_is_waited_for(world: World) -> None:
    world.bind()
    await world.up()
    await world.slack.down()
    for number in range(20):
        world.ann.post(world.room, str(number))
    await world.inlet.until(lambda: world.transport.health().state == "down")
    await world.slack.up()
    await world.inlet.until(lambda: len(world.inlet.heard) == 20)
    assert world.inlet.texts == [str(number) for number in range(20)]
    assert world.room.id in world.inlet.caught


async def test_after_a_sleep_the_connection_is_replaced_and_the_rooms_are_read(world: World) -> None:
    world.bind()
    world.transport = transport(world.slack, world.bot, msgspec.structs.replace(FAST, asleep=0.3))
    await world.up()
    (old,) = world.slack.sockets(world.bot)
    world.slack.faults.add("socket.event", Fault("lose"))
    world.ann.post(world.room, "hello")
    time.sleep(0.6)  # noqa: ASYNC251 - the whole process stands still, as it does when the machine sleeps
    await world.inlet.until(lambda: world.inlet.texts == ["hello"])
    await world.slack.wait_for(lambda: old not in world.slack.sockets(world.bot))


async def test_a_deaf_socket_is_noticed_by_reading_back(world: World) -> None:
    world.bind()
    world.transport = transport(world.slack, world.bot, msgspec.structs.replace(FAST, late=-60.0, poll=0.2))
    await world.up()
    world.slack.world._clock = lambda: time.time() + 2  # a ts has whole seconds here
    (old,) = world.slack.sockets(world.bot)
    world.slack.faults.add("socket.event", Fault("lose"), times=2)
    world.ann.post(world.room, "one")
    world.ann.post(world.room, "two")
    await world.inlet.until(lambda: "down" in world.inlet.states)
    await world.inlet.until(lambda: world.transport.health().state == "up")
    assert world.inlet.texts == ["one", "two"]
    assert old not in world.slack.sockets(world.bot)


async def test_rivals_are_told(world: World) -> None:
    await world.up()
    other = replace(world, inlet=type(world.inlet)(), transport=transport(world.slack, world.bot), task=None)
    try:
        await other.up()
        assert other.transport.health().rivals == 1
    finally:
        await other.stop()


@pytest.mark.parametrize("which", ["bot", "app"])
@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_wrong_credentials_end_it(world: World, which: str, error: str) -> None:
    world.slack.revoke(world.bot.token if which == "bot" else world.bot.app_token, error)
    world.listen()
    assert world.task is not None
    with pytest.raises(Rejected, match=error):
        await asyncio.wait_for(world.task, 10)
    assert world.transport.health().state == "credentials"
    assert world.transport.health().fix


async def test_a_token_that_is_revoked_while_it_runs_ends_it(world: World) -> None:
    await world.up()
    world.slack.revoke(world.bot.app_token)
    world.slack.cut(world.bot)
    assert world.task is not None
    with pytest.raises(Rejected, match="token_revoked"):
        await asyncio.wait_for(world.task, 10)


async def test_it_can_be_run_again_when_the_token_is_good_again(world: World) -> None:
    world.slack.revoke(world.bot.token)
    world.listen()
    assert world.task is not None
    with pytest.raises(Rejected):
        await asyncio.wait_for(world.task, 10)
    world.slack.revoke(world.bot.token, "")
    await world.up()
    world.ann.post(world.room, "hello")
    await world.inlet.until(lambda: world.inlet.texts == ["hello"])


async def test_without_socket_mode_it_says_so(world: World) -> None:
    world.slack.faults.add("apps.connections.open", Fault("error", error="socket_mode_not_enabled"))
    world.listen()
    assert world.task is not None
    with pytest.raises(Rejected, match="Socket Mode"):
        await asyncio.wait_for(world.task, 10)


async def test_a_limit_before_the_connection_is_waited_for(world: World) -> None:
    world.slack.faults.add("apps.connections.open", Fault("limited", seconds=1.0))
    began = time.monotonic()
    await world.up()
    assert time.monotonic() - began >= 1.0


async def test_a_missing_scope_is_named(world: World) -> None:
    poor = world.slack.bot("poor", scopes=SCOPES - {"files:read"})
    api = Api(Tokens(poor.token, poor.app_token), world.slack.api_url)
    try:
        with pytest.raises(Rejected, match="files:read"):
            await account(api)
    finally:
        await api.close()


async def test_exchanged_tokens_are_told_apart(world: World) -> None:
    api = Api(Tokens(world.bot.app_token, world.bot.token), world.slack.api_url)
    try:
        with pytest.raises(Rejected):
            await account(api)
        with pytest.raises(Rejected, match="SLACK_APP_TOKEN"):
            await ticket(api)
    finally:
        await api.close()


async def test_nothing_is_left_behind(world: World) -> None:
    await world.up()
    await world.stop()
    await world.slack.wait_for(lambda: not world.slack.sockets(world.bot))
    others = [task for task in asyncio.all_tasks() if "slack_sdk" in repr(task.get_coro())]
    assert not others
    assert isinstance(world.transport, Slack)
