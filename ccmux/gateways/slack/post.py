"""Says things, once each, and finds again what was said when nobody knows whether it was."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any, Final

from ccmux.errors import GatewayError, NotNow, Undeliverable
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.events import DELIVERY, Own, order
from ccmux.gateways.slack.outcome import MissingScope
from ccmux.gateways.slack.reader import Reader
from ccmux.gateways.slack.upload import marked, upload
from ccmux.gateways.words import Act, Verb

_QUIET: Final[dict[str, Any]] = {"parse": "none", "link_names": False}
_NO_PICTURES: Final[dict[str, Any]] = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": True}
_MARKS: Final = frozenset({Verb.REACT, Verb.UNREACT, Verb.TYPING})
_BACK: Final = 900.0
"""Seconds before the first attempt from which on a post is looked for."""


async def perform(api: Api, act: Act) -> str:
    """Once. Raises Undeliverable, NotNow, Unsure or Rejected."""
    try:
        return await _ACTS[act.draft.verb](api, act)
    except MissingScope as error:
        if act.draft.verb in _MARKS:  # no reason to hold the answers back
            raise Undeliverable(error.what, fix=error.fix) from None
        raise
    except Undeliverable as error:
        if error.plain and not act.draft.plain:
            raise Undeliverable(error.what, fix=error.fix) from None
        raise


async def _post(api: Api, act: Act) -> str:
    body = act.draft.body
    thread = {"thread_ts": act.place.thread} if act.place.thread else {}
    told = await api.call(
        "chat_postMessage",
        harmless=False,
        channel=act.place.room,
        text=str(body.get("text") or ""),
        blocks=body.get("blocks") or None,
        metadata={"event_type": DELIVERY, "event_payload": {"id": act.id, "hops": act.hops}},
        **thread,
        **_QUIET,
        **_NO_PICTURES,
    )
    return str(told.get("ts") or "")


async def _edit(api: Api, act: Act) -> str:
    body = act.draft.body
    blocks = body.get("blocks") or []  # without any Slack would keep those before, with their buttons
    await api.call(
        "chat_update",
        harmless=True,
        channel=act.place.room,
        ts=act.target,
        text=str(body.get("text") or ""),
        blocks=blocks,
        **_QUIET,
    )
    return act.target


async def _delete(api: Api, act: Act) -> str:
    await api.call("chat_delete", harmless=True, done="message_not_found", channel=act.place.room, ts=act.target)
    return ""


async def _react(api: Api, act: Act) -> str:
    await api.call("reactions_add", harmless=True, done="already_reacted", **_reaction(act))
    return ""


async def _unreact(api: Api, act: Act) -> str:
    await api.call("reactions_remove", harmless=True, done="no_reaction", **_reaction(act))
    return ""


def _reaction(act: Act) -> dict[str, Any]:
    return {"channel": act.place.room, "timestamp": act.target, "name": str(act.draft.body.get("name") or "")}


async def _typing(api: Api, act: Act) -> str:
    """Where Slack has no place for it, it is no trouble."""
    thread = act.place.thread or act.target
    if thread:
        status = str(act.draft.body.get("status", "is working …"))
        with contextlib.suppress(GatewayError):
            await api.call(
                "assistant_threads_setStatus", harmless=True, channel_id=act.place.room, thread_ts=thread, status=status
            )
    return ""


_ACTS: Final = {
    Verb.POST: _post,
    Verb.EDIT: _edit,
    Verb.DELETE: _delete,
    Verb.REACT: _react,
    Verb.UNREACT: _unreact,
    Verb.UPLOAD: upload,
    Verb.TYPING: _typing,
}


async def find(reader: Reader, own: Own, act: Act) -> str | None:
    """Whether it is there. The history of a moment ago need not be whole: who asks asks twice. Raises NotNow or Rejected."""
    if act.draft.verb not in {Verb.POST, Verb.UPLOAD}:
        return None
    since = order(f"{(act.first or time.time()) - _BACK:.6f}")
    try:
        said = await reader.since(act.place.room, since, act.place.thread)
    except Undeliverable as error:
        raise NotNow(error.what, after=60.0) from None
    mine = [one for one in said if one.get("user") == own.user or one.get("bot_id") == own.bot]
    return next((found for one in reversed(mine) if (found := _found(one, act))), None)


def _found(message: Mapping[str, Any], act: Act) -> str:
    if act.draft.verb is Verb.UPLOAD:
        files = [one for one in message.get("files") or [] if isinstance(one, dict)]
        return next((str(one.get("id")) for one in files if one.get("name") == marked(act)), "")
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    ours = metadata.get("event_type") == DELIVERY and payload.get("id") == act.id
    return str(message["ts"]) if ours else ""
