"""The stand-in of Slack as the real slack-sdk meets it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import SCOPES, Bot, Channel, FakeSlack, Fault, Timing

QUICK = Timing(ack=0.3, ladder=(0.0, 0.05, 0.05))


class Setup:
    """A workspace with one bot, one person, one channel; the real clients."""

    def __init__(self, slack: FakeSlack, stack: AsyncExitStack) -> None:
        self.slack = slack
        self.bot = slack.bot("ccmux", commands=["/cc"])
        self.ann = slack.person("ann")
        self.channel = slack.channel("ops", self.bot, self.ann)
        self.got: list[SocketModeRequest] = []
        self.hellos: list[dict[str, Any]] = []
        self._stack = stack

    async def web(self, token: str | None = None, patience: float = 30) -> AsyncWebClient:
        """With a session of its own, whose timeout counts: the SDK's `timeout` does not where a session is given."""
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience))
        await self._stack.enter_async_context(session)
        return AsyncWebClient(
            token=token or self.bot.token, base_url=self.slack.api_url, session=session, retry_handlers=[]
        )

    async def socket(self, *, answer: bool = True, bot: Bot | None = None, ping: float = 1) -> SocketModeClient:
        """A client that keeps what comes in `got`, and acknowledges it or not."""
        bot = bot or self.bot
        web = await self.web(bot.token)
        client = SocketModeClient(app_token=bot.app_token, web_client=web, ping_interval=ping)

        async def listener(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            self.got.append(request)
            self.slack.ledger.changed()
            if answer:
                await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

        client.socket_mode_request_listeners.append(listener)
        self._stack.push_async_callback(client.close)
        before = len(self.slack.sockets(bot))
        client.message_listeners.append(self._hello)
        await client.connect()  # type: ignore[no-untyped-call]
        await self.slack.wait_for(lambda: len(self.slack.sockets(bot)) > before)
        return client

    async def _hello(self, _: AsyncBaseSocketModeClient, message: dict[str, Any], _raw: str | None = None) -> None:
        if message.get("type") == "hello":
            self.hellos.append(message)
            self.slack.ledger.changed()

    def texts(self) -> list[str]:
        return [request.payload["event"].get("text", "") for request in self.got if request.type == "events_api"]

    async def heard(self, *texts: str) -> None:
        await self.slack.wait_for(lambda: set(texts) <= set(self.texts()))


@asynccontextmanager
async def workspace(**more: Any) -> AsyncIterator[Setup]:
    async with FakeSlack(timing=QUICK, **more) as slack, AsyncExitStack() as stack:
        yield Setup(slack, stack)


@pytest.fixture
async def it(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setup]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with workspace() as setup:
        yield setup


async def refusal(call: Awaitable[Any]) -> Any:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def texts_of(web: AsyncWebClient, channel: Channel, **more: Any) -> list[str]:
    return [m["text"] for m in (await web.conversations_history(channel=channel.id, **more))["messages"]]


# Socket Mode


async def test_an_event_is_received_and_acknowledged(it: Setup) -> None:
    await it.socket()
    sent = it.ann.post(it.channel, f"hello <@{it.bot.user.id}> & <b>")
    await it.slack.wait_for(lambda: it.slack.acked(it.bot))
    [payload] = it.slack.acked(it.bot)
    event = payload["event"]
    assert (event["type"], event["channel"], event["ts"]) == ("message", it.channel.id, sent.ts)
    assert event["text"] == f"hello <@{it.bot.user.id}> &amp; &lt;b&gt;"
    assert (event["user"], event["channel_type"], payload["team_id"]) == (it.ann.id, "channel", it.bot.team.id)
    assert (it.got[0].retry_attempt, it.got[0].accepts_response_payload) == (0, False)
    assert payload["api_app_id"] == it.bot.app.id


async def test_hello_counts_the_sockets_and_each_payload_goes_to_one(it: Setup) -> None:
    for number in (1, 2):
        await it.socket()
        await it.slack.wait_for(lambda number=number: len(it.hellos) == number)  # type: ignore[misc]
    assert [hello["num_connections"] for hello in it.hellos] == [1, 2]
    assert it.hellos[0]["connection_info"]["app_id"] == it.bot.app.id
    for number in range(6):
        it.ann.post(it.channel, str(number))
    await it.slack.wait_for(lambda: len(it.slack.acked(it.bot)) == 6)
    assert sorted(it.texts()) == list("012345")
    assert len({delivery.socket for delivery in it.slack.ledger.deliveries}) == 2


async def test_what_is_not_acknowledged_comes_again_in_another_envelope(it: Setup) -> None:
    await it.socket(answer=False)
    it.ann.post(it.channel, "again")
    await it.slack.wait_for(lambda: len(it.got) == 4)
    assert [request.retry_attempt for request in it.got] == [0, 1, 2, 3]
    assert [request.retry_reason for request in it.got] == ["", "timeout", "timeout", "timeout"]
    assert len({request.envelope_id for request in it.got}) == 4
    assert len({request.payload["event_id"] for request in it.got}) == 1
    assert it.slack.acked(it.bot) == []


async def test_a_late_ack_is_on_record_and_the_event_comes_again(it: Setup) -> None:
    client = await it.socket(answer=False)
    it.ann.post(it.channel, "slow")
    await it.slack.wait_for(lambda: len(it.got) == 2)
    for request in it.got[:2]:
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
    await it.slack.wait_for(lambda: it.slack.acked(it.bot))
    assert [ack.in_time for ack in it.slack.ledger.acks] == [False, True]
    assert it.slack.ledger.deliveries[0].acked_at is None


async def test_an_event_without_a_socket_is_lost_or_waits_for_one_as_asked(it: Setup) -> None:
    it.ann.post(it.channel, "lost")
    await it.slack.wait_for(lambda: it.slack.ledger.deliveries)
    it.slack.timing.retry_unconnected = True
    it.slack.timing.ladder = (0.0, 1.0)
    it.ann.post(it.channel, "kept")
    await it.slack.wait_for(lambda: len(it.slack.ledger.deliveries) == 3)
    await it.socket()
    await it.heard("kept")
    assert it.texts() == ["kept"]


async def test_the_eleventh_socket_costs_the_first(it: Setup) -> None:
    web = await it.web(it.bot.app_token)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        links = []
        for _ in range(11):
            opened = await web.apps_connections_open(app_token=it.bot.app_token)
            links.append(await stack.enter_async_context(session.ws_connect(opened["url"])))
        assert [(await link.receive_json())["num_connections"] for link in links] == list(range(1, 12))
        told = await links[0].receive_json()
        assert (told["type"], told["reason"]) == ("disconnect", "too_many_websockets")


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "too_many_websockets"])
async def test_a_client_told_to_disconnect_comes_back(it: Setup, reason: str) -> None:
    await it.socket()
    [old] = it.slack.sockets(it.bot)
    await it.slack.disconnect(it.bot, reason)
    await it.slack.wait_for(lambda: it.slack.sockets(it.bot) and old not in it.slack.sockets(it.bot))
    it.ann.post(it.channel, "after")
    await it.heard("after")


async def test_a_cut_socket_is_replaced(it: Setup) -> None:
    await it.socket(ping=0.2)
    [old] = it.slack.sockets(it.bot)
    it.slack.cut(it.bot)
    await it.slack.wait_for(lambda: it.slack.sockets(it.bot) and old not in it.slack.sockets(it.bot))


async def test_a_half_open_socket_is_deaf_and_found_by_its_missing_pongs(it: Setup) -> None:
    await it.socket(ping=0.3)
    [old] = it.slack.sockets(it.bot)
    it.slack.deafen(it.bot)
    it.ann.post(it.channel, "unheard")
    await it.slack.wait_for(lambda: any(socket is not old for socket in it.slack.sockets(it.bot)))
    assert it.slack.ledger.deliveries[0].sent_at is None
    assert it.slack.ledger.deliveries[0].acked_at is None


@pytest.mark.parametrize("target", ["socket.handshake", "socket.event"])
async def test_a_socket_goes_half_open_as_a_fault(it: Setup, target: str) -> None:
    """What came to it meanwhile is redelivered to the next."""
    it.slack.timing.ladder = (0.0,) * 50
    it.slack.faults.add(target, Fault("deaf"))
    await it.socket(ping=0.3)
    it.ann.post(it.channel, "at last")
    await it.heard("at last")
    assert it.got[0].retry_attempt


async def test_a_refused_handshake_spends_its_ticket(it: Setup) -> None:
    """So the SDK, which keeps to the ticket, never comes in: what a supervisor must mend."""
    it.slack.faults.add("socket.handshake", Fault("status", status=408), times=1)
    client = SocketModeClient(app_token=it.bot.app_token, web_client=await it.web(), ping_interval=0.05)
    connecting = asyncio.ensure_future(client.connect())  # type: ignore[no-untyped-call]
    await it.slack.wait_for(lambda: [call.status for call in it.slack.calls("socket.handshake")][:4] == [408] * 4)
    assert len(it.slack.calls("apps.connections.open")) == 1
    client.closed = True
    await connecting
    await client.close()  # type: ignore[no-untyped-call]
    await it.socket()
    assert len(it.slack.sockets(it.bot)) == 1


async def test_events_are_doubled_swapped_delayed_lost_as_asked(it: Setup) -> None:
    await it.socket()
    add = it.slack.faults.add
    add("socket.event", Fault("twice"), where=lambda p: p["event"]["text"] == "double")
    add("socket.event", Fault("lose"), where=lambda p: p["event"]["text"] == "lost")
    add("socket.event", Fault("swap"), where=lambda p: p["event"]["text"] == "first")
    add("socket.event", Fault("delay", seconds=0.2), where=lambda p: p["event"]["text"] == "late")
    for text in ("late", "double", "lost", "first", "second"):
        it.ann.post(it.channel, text)
    await it.slack.wait_for(lambda: len(it.got) == 5)
    assert it.texts().count("double") == 2
    assert it.texts().index("second") < it.texts().index("first")
    assert it.texts()[-1] == "late"
    assert "lost" in await texts_of(await it.web(), it.channel)
    twins = [request.payload["event_id"] for request in it.got if request.payload["event"]["text"] == "double"]
    assert twins[0] == twins[1]


async def test_a_mention_comes_as_two_events_to_who_subscribed(it: Setup) -> None:
    it.bot.app.events.add("app_mention")
    await it.socket()
    it.ann.post(it.channel, f"<@{it.bot.user.id}> hi")
    await it.slack.wait_for(lambda: len(it.got) == 2)
    events = [request.payload for request in it.got]
    assert {payload["event"]["type"] for payload in events} == {"message", "app_mention"}
    assert len({payload["event"]["ts"] for payload in events}) == 1
    assert len({payload["event_id"] for payload in events}) == 2


async def test_posts_of_bots_reach_other_apps_and_their_own(it: Setup) -> None:
    other = it.slack.bot("other")
    it.channel.members.add(other.user.id)
    await it.socket()
    await it.socket(bot=other)
    web = await it.web()
    await web.chat_postMessage(channel=it.channel.id, text="mine")
    await it.slack.wait_for(lambda: len(it.got) == 2)
    assert {request.payload["api_app_id"] for request in it.got} == {it.bot.app.id, other.app.id}
    assert {request.payload["event"]["bot_id"] for request in it.got} == {it.bot.id}


async def test_edits_deletes_files_and_reactions_are_events(it: Setup) -> None:
    await it.socket()
    message = it.ann.post(it.channel, "draft")
    it.ann.edit(it.channel, message, "final")
    it.ann.react(it.channel, message, "eyes")
    it.ann.delete(it.channel, message)
    it.ann.post(it.channel, "see", files=[("a.txt", b"abc")])
    await it.slack.wait_for(lambda: len(it.got) == 5)
    events = [request.payload["event"] for request in it.got]
    found = {event.get("subtype", event["type"]): event for event in events}
    assert set(found) == {"message", "message_changed", "reaction_added", "message_deleted", "file_share"}
    assert found["message_changed"]["message"]["text"] == "final"
    assert found["message_changed"]["message"]["edited"]["user"] == it.ann.id
    assert found["message_changed"]["previous_message"]["text"] == "draft"
    assert found["message_deleted"]["deleted_ts"] == message.ts
    assert found["file_share"]["files"][0]["name"] == "a.txt"


# Buttons and commands

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Yes"}, "action_id": "yes", "value": "42"}
ASKING = [{"type": "actions", "elements": [BUTTON]}]


async def test_a_button_is_pressed_once_and_answered_by_its_url(it: Setup) -> None:
    await it.socket()
    web = await it.web()
    asked = await web.chat_postMessage(channel=it.channel.id, text="?", blocks=ASKING)
    trigger = it.ann.press(it.channel, asked["ts"], "yes")
    await it.slack.wait_for(lambda: any(request.type == "interactive" for request in it.got))
    [request] = [request for request in it.got if request.type == "interactive"]
    pressed = request.payload
    assert request.accepts_response_payload
    assert (pressed["type"], pressed["trigger_id"], pressed["user"]["id"]) == ("block_actions", trigger, it.ann.id)
    assert (pressed["actions"][0]["action_id"], pressed["actions"][0]["value"]) == ("yes", "42")
    assert pressed["container"]["message_ts"] == pressed["message"]["ts"] == asked["ts"]
    async with aiohttp.ClientSession() as session:
        body = {"replace_original": True, "text": "yes it is", "blocks": []}
        async with session.post(pressed["response_url"], json=body) as answer:
            assert answer.status == 200
    assert await texts_of(web, it.channel) == ["yes it is"]
    it.ann.press(it.channel, asked["ts"], "yes", stale=True)
    await it.slack.wait_for(lambda: sum(request.type == "interactive" for request in it.got) == 2)


async def test_a_press_that_is_not_acknowledged_is_gone(it: Setup) -> None:
    await it.socket(answer=False)
    it.ann.slash("/cc", "status all", it.channel)
    await it.slack.wait_for(lambda: it.got)
    assert (it.got[0].type, it.got[0].payload["command"]) == ("slash_commands", "/cc")
    assert it.got[0].payload["text"] == "status all"
    assert it.got[0].retry_attempt is None
    it.ann.post(it.channel, "next")
    await it.slack.wait_for(lambda: len(it.got) == 5)
    assert [request.type for request in it.got].count("slash_commands") == 1


# Posting, and what goes wrong with it


async def test_posts_are_kept_edited_and_deleted(it: Setup) -> None:
    web = await it.web()
    posted = await web.chat_postMessage(channel=it.channel.id, text="one", blocks=ASKING)
    assert posted["message"]["bot_id"] == it.bot.id
    assert "chat:write" in posted.headers["x-oauth-scopes"]
    await web.chat_update(channel=it.channel.id, ts=posted["ts"], text="two")
    [message] = it.slack.messages(it.channel)
    assert (message.data["text"], message.data["blocks"][0]["type"]) == ("two", "actions")
    await web.chat_update(channel=it.channel.id, ts=posted["ts"], text="two", blocks=[])
    assert message.data["blocks"] == []
    await web.chat_delete(channel=it.channel.id, ts=posted["ts"])
    assert it.slack.messages(it.channel) == []
    [post] = it.slack.posts(it.channel)
    assert post.message["text"] == "one"
    assert (await refusal(web.chat_delete(channel=it.channel.id, ts=posted["ts"])))["error"] == "message_not_found"


async def test_a_post_accepted_and_then_dropped_is_found_by_its_metadata(it: Setup) -> None:
    web = await it.web()
    metadata = {"event_type": "ccmux_out", "event_payload": {"id": "m1"}}
    it.slack.faults.add("chat.postMessage", Fault("drop", after=True))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await web.chat_postMessage(channel=it.channel.id, text="once", metadata=metadata)
    assert len(it.slack.posts(it.channel)) == 1
    found = await web.conversations_history(channel=it.channel.id, include_all_metadata=True)
    assert [message["metadata"] for message in found["messages"]] == [metadata]
    assert "metadata" not in (await web.conversations_history(channel=it.channel.id))["messages"][0]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "fault", [Fault("drop"), Fault("status"), Fault("status", status=503), Fault("error"), Fault("limited")]
)
async def test_an_answer_is_spoilt_before_or_after_the_effect(it: Setup, fault: Fault, after: bool) -> None:
    web = await it.web()
    spoil = Fault(fault.do, after=after, status=fault.status, error="fatal_error")
    it.slack.faults.add("chat.postMessage", spoil)
    with pytest.raises((SlackApiError, aiohttp.ClientError)):
        await web.chat_postMessage(channel=it.channel.id, text="x")
    assert len(it.slack.posts(it.channel)) == int(after)
    assert it.slack.calls("chat.postMessage")[0].effect is after
    await web.chat_postMessage(channel=it.channel.id, text="y")


async def test_too_many_posts_are_limited(it: Setup) -> None:
    it.slack.post_interval = 30.0
    web = await it.web()
    await web.chat_postMessage(channel=it.channel.id, text="x")
    response = await refusal(web.chat_postMessage(channel=it.channel.id, text="y"))
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    await web.chat_postMessage(channel=it.ann.id, text="elsewhere")


async def test_a_call_hangs_until_the_client_gives_up(it: Setup) -> None:
    web = await it.web(patience=0.3)
    it.slack.faults.add("chat.postMessage", Fault("hang"))
    with pytest.raises(TimeoutError):
        await web.chat_postMessage(channel=it.channel.id, text="x")
    assert it.slack.posts(it.channel) == []


async def test_a_late_effect_comes_though_the_client_gave_up(it: Setup) -> None:
    web = await it.web(patience=0.3)
    it.slack.faults.add("chat.postMessage", Fault("delay", seconds=0.6))
    with pytest.raises(TimeoutError):
        await web.chat_postMessage(channel=it.channel.id, text="x")
    await it.slack.wait_for(lambda: it.slack.posts(it.channel))


async def test_chance_comes_from_the_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = FakeSlack(seed=seed).faults
        faults.add("*", Fault("drop"), times=None, chance=0.3)
        return [faults.take("auth.test", {}) is not None for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 30 < sum(drawn(1)) < 90


LONG = {"type": "markdown", "text": "x" * 6001}


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        ("no_text", {"text": "", "attachments": []}),
        ("msg_too_long", {"text": "x" * 40_001}),
        ("msg_blocks_too_long", {"text": "x", "blocks": [LONG, LONG]}),
        ("invalid_blocks", {"text": "x", "blocks": [{"type": "nonsense"}]}),
        ("invalid_blocks", {"text": "x", "blocks": [{"type": "divider"}] * 51}),
        (
            "invalid_blocks",
            {"text": "x", "blocks": [{"type": "actions", "elements": [{**BUTTON, "value": "x" * 2001}]}]},
        ),
        ("invalid_blocks_format", {"text": "x", "blocks": "nonsense"}),
        ("channel_not_found", {"text": "x", "channel": "C404"}),
        ("thread_not_found", {"text": "x", "thread_ts": "1700000000.000100"}),
        ("invalid_metadata_schema", {"text": "x", "metadata": {"event_type": "x"}}),
    ],
)
async def test_a_wrong_post_is_refused(it: Setup, error: str, arguments: dict[str, Any]) -> None:
    web = await it.web()
    response = await refusal(web.chat_postMessage(**({"channel": it.channel.id} | arguments)))
    assert response["error"] == error
    assert it.slack.posts(it.channel) == []


async def test_where_the_bot_may_not_post(it: Setup) -> None:
    web = await it.web()
    public, private = it.slack.channel("public", it.ann), it.slack.channel("private", it.ann, kind="group")
    assert (await refusal(web.chat_postMessage(channel=public.id, text="x")))["error"] == "not_in_channel"
    assert (await refusal(web.chat_postMessage(channel=private.id, text="x")))["error"] == "channel_not_found"
    await web.conversations_join(channel=public.id)
    await web.chat_postMessage(channel=public.id, text="x")
    public.archived = True
    assert (await refusal(web.chat_postMessage(channel=public.id, text="x")))["error"] == "is_archived"


async def test_tokens_are_told_apart(it: Setup) -> None:
    poor = it.slack.bot("poor", scopes=SCOPES - {"chat:write"})
    response = await refusal((await it.web(poor.token)).chat_postMessage(channel=it.channel.id, text="x"))
    assert (response["error"], response["needed"]) == ("missing_scope", "chat:write")
    assert "channels:read" in response["provided"]
    assert (await refusal((await it.web("xoxb-no")).auth_test()))["error"] == "invalid_auth"
    wrong = (await it.web(it.bot.app_token)).chat_postMessage(channel=it.channel.id, text="x")
    assert (await refusal(wrong))["error"] == "not_allowed_token_type"
    web = await it.web()
    assert (await refusal(web.apps_connections_open(app_token=it.bot.token)))["error"] == "not_allowed_token_type"
    assert (await web.auth_test())["bot_id"] == it.bot.id
    for error in ("token_revoked", "account_inactive"):
        it.slack.revoke(it.bot.token, error)
        assert (await refusal(web.auth_test()))["error"] == error


# Reading


async def test_history_is_paged_newest_first_and_posts_between_pages_move_nothing(it: Setup) -> None:
    web = await it.web()
    sent = [it.ann.post(it.channel, str(number)) for number in range(7)]
    it.ann.post(it.channel, "in a thread", thread_ts=sent[0].ts)
    first = await web.conversations_history(channel=it.channel.id, limit=3)
    assert [message["text"] for message in first["messages"]] == ["6", "5", "4"]
    assert first["has_more"]
    it.ann.post(it.channel, "new")
    cursor = first["response_metadata"]["next_cursor"]
    assert await texts_of(web, it.channel, limit=3, cursor=cursor) == ["3", "2", "1"]
    bounds = {"oldest": sent[2].ts, "latest": sent[4].ts}
    assert await texts_of(web, it.channel, **bounds) == ["3"]
    assert await texts_of(web, it.channel, **bounds, inclusive=True) == ["4", "3", "2"]
    assert (await refusal(web.conversations_history(channel=it.channel.id, cursor="x")))["error"] == "invalid_cursor"


async def test_replies_come_in_order_with_their_root_on_every_page(it: Setup) -> None:
    web = await it.web()
    root = it.ann.post(it.channel, "root")
    for number in range(3):
        await web.chat_postMessage(channel=it.channel.id, text=str(number), thread_ts=root.ts)
    page = await web.conversations_replies(channel=it.channel.id, ts=root.ts, limit=2)
    assert [message["text"] for message in page["messages"]] == ["root", "0", "1"]
    assert page["messages"][0]["reply_count"] == 3
    cursor = page["response_metadata"]["next_cursor"]
    page = await web.conversations_replies(channel=it.channel.id, ts=root.ts, limit=2, cursor=cursor)
    assert [message["text"] for message in page["messages"]] == ["root", "2"]
    assert not page["has_more"]


async def test_history_shows_a_post_later_when_asked(it: Setup) -> None:
    web = await it.web()
    it.slack.lag(reads=2)
    it.ann.post(it.channel, "slow")
    assert [await texts_of(web, it.channel) for _ in range(3)] == [[], [], ["slow"]]
    it.slack.lag(seconds=60)
    it.ann.post(it.channel, "never")
    assert await texts_of(web, it.channel) == ["slow"]


async def test_a_deleted_root_with_replies_is_a_tombstone(it: Setup) -> None:
    root = it.ann.post(it.channel, "root")
    reply = it.ann.post(it.channel, "reply", root.ts)
    it.ann.delete(it.channel, root)
    assert root.data["subtype"] == "tombstone"
    it.ann.delete(it.channel, reply)
    assert "reply_count" not in root.data


async def test_timestamps_rise_strictly() -> None:
    async with workspace(clock=lambda: 1_700_000_000.0) as it:
        stamps = [it.ann.post(it.channel, "x").ts for _ in range(3)]
        assert stamps == ["1700000000.000100", "1700000000.000200", "1700000000.000300"]


# The rest of the Web API


async def test_reactions(it: Setup) -> None:
    web = await it.web()
    message = it.ann.post(it.channel, "x")
    at = {"channel": it.channel.id, "timestamp": message.ts, "name": "eyes"}
    await web.reactions_add(**at)
    assert message.data["reactions"] == [{"name": "eyes", "users": [it.bot.user.id], "count": 1}]
    assert (await refusal(web.reactions_add(**at)))["error"] == "already_reacted"
    await web.reactions_remove(**at)
    assert (await refusal(web.reactions_remove(**at)))["error"] == "no_reaction"
    assert "reactions" not in message.data


async def test_conversations(it: Setup) -> None:
    web = await it.web()
    made = (await web.conversations_create(name="new"))["channel"]
    assert (await refusal(web.conversations_create(name="new")))["error"] == "name_taken"
    assert (await web.conversations_info(channel=made["id"]))["channel"]["is_member"]
    await web.conversations_invite(channel=made["id"], users=it.ann.id)
    members = (await web.conversations_members(channel=made["id"]))["members"]
    assert set(members) == {it.bot.user.id, it.ann.id}
    first = await web.conversations_list(limit=1)
    second = await web.conversations_list(limit=1, cursor=first["response_metadata"]["next_cursor"])
    assert [page["channels"][0]["name"] for page in (first, second)] == ["ops", "new"]
    assert second["response_metadata"]["next_cursor"] == ""
    ben = it.slack.person("ben")
    direct = (await web.conversations_open(users=it.ann.id))["channel"]["id"]
    assert it.ann.conversation(it.bot).id == direct
    group = (await web.conversations_open(users=[it.ann.id, ben.id]))["channel"]["id"]
    assert it.slack.world.channels[group].kind == "mpim"
    assert it.ann.dm(it.bot, "psst").ts in it.slack.world.channels[direct].messages
    assert (await web.users_info(user=ben.id))["user"]["name"] == "ben"
    assert (await web.bots_info(bot=it.bot.id))["bot"]["user_id"] == it.bot.user.id


async def test_files_are_uploaded_shared_and_downloaded(it: Setup) -> None:
    web = await it.web()
    root = it.ann.post(it.channel, "root")
    done = await web.files_upload_v2(
        content="abc", filename="a.txt", title="A", channel=it.channel.id, thread_ts=root.ts, initial_comment="see"
    )
    [message] = [message for message in it.slack.messages(it.channel) if message.thread]
    assert (message.data["text"], message.data["files"][0]["title"]) == ("see", "A")
    info = await web.files_info(file=done["file"]["id"])
    assert info["file"]["shares"]["public"][it.channel.id][0]["ts"] == message.ts
    url = info["file"]["url_private_download"]
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Authorization": f"Bearer {it.bot.token}"}) as answer:
            assert await answer.read() == b"abc"
        async with session.get(url) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
    it.slack.faults.add("upload", Fault("status"))
    with pytest.raises(Exception, match="Failed to upload"):
        await web.files_upload_v2(content="abc", filename="b.txt", channel=it.channel.id)


async def test_status_home_and_ephemerals_are_recorded(it: Setup) -> None:
    web = await it.web()
    await web.assistant_threads_setStatus(channel_id=it.channel.id, thread_ts="1.000100", status="is thinking")
    await web.views_publish(user_id=it.ann.id, view={"type": "home", "blocks": []})
    shown = await web.chat_postEphemeral(channel=it.channel.id, user=it.ann.id, text="psst", blocks=ASKING)
    await it.socket()
    it.ann.press(it.channel, shown["message_ts"], "yes")
    await it.slack.wait_for(lambda: it.got)
    assert it.got[0].payload["container"]["is_ephemeral"]
    assert it.slack.ledger.statuses[0]["status"] == "is thinking"
    assert it.slack.ledger.views[0]["user_id"] == it.ann.id
    assert it.slack.messages(it.channel) == []


async def test_form_json_and_query_are_all_understood(it: Setup) -> None:
    url = f"{it.slack.api_url}conversations.info"
    given = {"channel": it.channel.id}
    headers = {"Authorization": f"Bearer {it.bot.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for more in ({"data": given}, {"json": given}, {"params": given}):
            async with session.post(url, **more) as answer:  # type: ignore[arg-type]
                assert (await answer.json())["channel"]["name"] == "ops"
        async with session.get(url, params=given) as answer:
            assert (await answer.json())["ok"]
        async with session.post(f"{it.slack.api_url}no.such") as answer:
            assert (await answer.json())["error"] == "unknown_method"


# Teams, outages, the process


async def test_teams_do_not_see_each_other(it: Setup) -> None:
    far = it.slack.team("far")
    bot = it.slack.bot("ccmux", far, app=it.bot.app)
    bob = it.slack.person("bob", far)
    channel = it.slack.channel("ops", bot, bob, team=far)
    await it.socket()
    bob.post(channel, "from afar")
    await it.heard("from afar")
    assert it.got[0].payload["team_id"] == far.id
    assert it.got[0].payload["authorizations"][0]["user_id"] == bot.user.id
    assert (await refusal((await it.web()).conversations_info(channel=channel.id)))["error"] == "channel_not_found"


async def test_it_goes_down_and_comes_up_on_the_same_port(it: Setup) -> None:
    await it.socket(ping=0.1)
    web = await it.web()
    await it.slack.down()
    with pytest.raises(aiohttp.ClientConnectorError):
        await web.auth_test()
    it.ann.post(it.channel, "meanwhile")
    await it.slack.up()
    await it.slack.wait_for(lambda: it.slack.sockets(it.bot))
    it.ann.post(it.channel, "afterwards")
    await it.heard("afterwards")
    assert "meanwhile" not in it.texts()
    assert await texts_of(web, it.channel) == ["afterwards", "meanwhile"]


async def test_waiting_in_vain_tells_what_happened(it: Setup) -> None:
    await (await it.web()).auth_test()
    with pytest.raises(TimeoutError, match=r"auth\.test"):
        await it.slack.wait_for(lambda: False, timeout=0.01)


def test_it_needs_no_pytest() -> None:
    asked = "import sys, tests.fakes.slack as _; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], cwd=Path(__file__).parents[2], check=False).returncode == 0


async def test_the_module_runs_until_a_signal() -> None:
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.slack", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    given = json.loads(await process.stdout.readline())
    async with aiohttp.ClientSession() as session:
        web = AsyncWebClient(token=given["bot_token"], base_url=url, session=session, retry_handlers=[])
        assert (await web.chat_postMessage(channel=given["channel"], text="hello"))["ok"]
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
