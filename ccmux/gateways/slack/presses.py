"""Buttons that were pressed and commands that were given, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ccmux.gateways.slack.events import direct
from ccmux.gateways.slack.format.plain import plain
from ccmux.gateways.slack.format.press import pressed
from ccmux.gateways.words import Place, Press, Sender


def press(payload: Mapping[str, Any]) -> Press | None:
    """The press of one of our buttons, or nothing."""
    actions = payload.get("actions")
    if payload.get("type") != "block_actions" or not isinstance(actions, list) or not actions:
        return None
    action = actions[0] if isinstance(actions[0], dict) else {}
    found = pressed(_text(action, "value"))
    user = _table(payload, "user")
    container, message = _table(payload, "container"), _table(payload, "message")
    room = _text(_table(payload, "channel"), "id") or _text(container, "channel_id")
    if found is None or not _text(user, "id") or not room:
        return None
    own = _text(container, "message_ts")
    thread = _text(container, "thread_ts") or _text(message, "thread_ts")
    return Press(
        approval=found.id,
        allow=found.decision != "deny",
        sender=_sender(_text(user, "id"), _text(user, "name") or _text(user, "username")),
        place=Place(room, thread if thread != own else "", direct(room), _text(user, "team_id") or _team(payload)),
        session=found.decision == "session",
        answers=(found.answer,) if found.answer else (),
    )


class Command(msgspec.Struct, frozen=True):
    """A slash command."""

    text: str
    sender: Sender
    place: Place


def command(payload: Mapping[str, Any]) -> Command | None:
    """What was said after `/ccmux`."""
    user, room = _text(payload, "user_id"), _text(payload, "channel_id")
    if not user or not room:
        return None
    place = Place(room, "", direct(room), _text(payload, "team_id"))
    return Command(plain(_text(payload, "text"), {}, ""), _sender(user, _text(payload, "user_name")), place)


def _sender(user: str, name: str) -> Sender:
    return Sender(user, " ".join(plain(name, {}, "").split())[:80])


def _team(payload: Mapping[str, Any]) -> str:
    return _text(_table(payload, "team"), "id")


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}
