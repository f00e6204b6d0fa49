"""chat.*, reactions.*, assistant.threads.setStatus."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from tests.fakes.slack import blocks
from tests.fakes.slack.calls import Call, method
from tests.fakes.slack.values import Channel, Json, Message, Refusal

MOST_TEXT = 40_000
MOST_MARKDOWN = 12_000
MOST_METADATA = 16_000


def _content(call: Call) -> Json:
    """The text and blocks of a call, checked."""
    text = call.args.text("text")
    markdown = call.args.text("markdown_text")
    given: list[Any] | None = call.args.parsed("blocks", list, "invalid_blocks_format")
    attachments: list[Any] | None = call.args.parsed("attachments", list, "invalid_attachments")
    if markdown and (text or given):
        raise Refusal("markdown_text_conflict")
    if not text and not markdown and not given and not attachments:
        raise Refusal("no_text")
    if len(text) > MOST_TEXT or len(markdown) > MOST_MARKDOWN:
        raise Refusal("msg_too_long")
    blocks.check(given)
    content: Json = {"text": text or markdown}
    if markdown:
        given = [{"type": "markdown", "text": markdown}]
    if given is not None:
        content["blocks"] = blocks.named(given, lambda: call.slack.world.new_id("b"))
    if attachments is not None:
        content["attachments"] = attachments
    return content


def _metadata(call: Call) -> Json | None:
    given: Json | None = call.args.parsed("metadata", dict, "invalid_metadata_format")
    if given is None:
        return None
    if not isinstance(given.get("event_type"), str) or not isinstance(given.get("event_payload"), dict):
        raise Refusal("invalid_metadata_schema")
    if len(json.dumps(given)) > MOST_METADATA:
        raise Refusal("metadata_too_large")
    return given


def _target(call: Call) -> Channel:
    """Where to post: a channel, or a person, whose direct conversation is then opened."""
    user = call.slack.world.users.get(call.args.text("channel"))
    if user is not None and user.team is call.bot.team:
        return call.slack.world.direct(user.team, {user.id, call.bot.user.id})[0]
    return call.channel(inside="chat:write.public" not in call.grant.scopes)


def _limit(call: Call, channel: Channel) -> None:
    """One post a second in a channel, where that is asked for."""
    now = call.slack.monotonic()
    wait = channel.last_post + call.slack.post_interval - now
    if wait > 0:
        raise Refusal("ratelimited", retry_after=math.ceil(wait))
    channel.last_post = now


@method("chat.postMessage", "chat:write")
def post(call: Call) -> Json:
    channel = _target(call)
    if channel.archived:
        raise Refusal("is_archived")
    content, metadata = _content(call), _metadata(call)
    thread_ts = call.args.text("thread_ts")
    if thread_ts and not re.fullmatch(r"\d+\.\d{6}", thread_ts):
        raise Refusal("invalid_thread_ts")
    _limit(call, channel)
    if thread_ts and call.args.flag("reply_broadcast"):
        content["subtype"] = "thread_broadcast"
    message = call.slack.acts.post(channel, call.bot, thread_ts=thread_ts, metadata=metadata, **content)
    seen = message.data if metadata is None else {**message.data, "metadata": metadata}
    return {"channel": channel.id, "ts": message.ts, "message": seen}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(call: Call) -> Json:
    channel = call.channel(inside=True)
    user = call.args.need("user")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    content = _content(call)
    ts = call.slack.world.new_ts()
    seen = {**content, "channel": channel.id, "user": user, "ts": ts, "bot_id": call.bot.id, "app_id": call.app.id}
    call.slack.ledger.ephemerals.append({**seen, "thread_ts": call.args.text("thread_ts")})
    return {"message_ts": ts}


def _own(call: Call, other: str) -> tuple[Channel, Message]:
    channel = call.channel()
    message = call.slack.world.message(channel, call.args.need("ts", "message_not_found"))
    if message.data.get("bot_id") != call.bot.id:
        raise Refusal(other)
    return channel, message


@method("chat.update", "chat:write")
def update(call: Call) -> Json:
    """Keeps the old blocks where none are given, as Slack does; `blocks=[]` takes them away."""
    channel, message = _own(call, "cant_update_message")
    if channel.archived:
        raise Refusal("is_archived")
    content = _content(call)
    metadata = _metadata(call)
    if metadata is not None:
        message.metadata = metadata
    call.slack.acts.edit(channel, message, call.bot.user.id, **content)
    return {"channel": channel.id, "ts": message.ts, "text": message.data["text"], "message": message.data}


@method("chat.delete", "chat:write")
def delete(call: Call) -> Json:
    channel, message = _own(call, "cant_delete_message")
    call.slack.acts.delete(channel, message)
    return {"channel": channel.id, "ts": message.ts}


def _react(call: Call, *, add: bool) -> Json:
    channel = call.channel(inside=True)
    name = call.args.need("name", "invalid_name")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise Refusal("invalid_name")
    stamp = call.args.need("timestamp", "no_item_specified")
    message = call.slack.world.message(channel, stamp)
    if channel.archived:
        raise Refusal("is_archived")
    call.slack.acts.react(channel, message, call.bot.user, name, add=add)
    return {}


@method("reactions.add", "reactions:write")
def add_reaction(call: Call) -> Json:
    return _react(call, add=True)


@method("reactions.remove", "reactions:write")
def remove_reaction(call: Call) -> Json:
    return _react(call, add=False)


@method("assistant.threads.setStatus", "assistant:write", "chat:write")
def set_status(call: Call) -> Json:
    channel = call.slack.world.channels.get(call.args.need("channel_id"))
    if channel is None or call.bot.user.id not in channel.members:
        raise Refusal("channel_not_found")
    told = {"channel": channel.id, "thread_ts": call.args.need("thread_ts"), "status": call.args.text("status")}
    call.slack.ledger.statuses.append({**told, "bot_id": call.bot.id})
    return {}
