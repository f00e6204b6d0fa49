"""What Slack tells as what we hear. Every type and subtype is looked up here; what stands in no table is nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ccmux.gateways.slack.format.names import safe_name
from ccmux.gateways.slack.format.plain import plain
from ccmux.gateways.words import Heard, Kind, Place, RemoteFile, Sender

DELIVERY: Final = "ccmux_delivery"
"""The type of the metadata of what any ccmux posts."""
SUBTYPES: Final = {
    "": Kind.SAID,
    "bot_message": Kind.SAID,
    "file_share": Kind.SAID,
    "me_message": Kind.SAID,
    "thread_broadcast": Kind.SAID,
    "message_changed": Kind.EDITED,
    "message_deleted": Kind.DELETED,
}
"""Of events `message`. Others (joins, topics, pins, tombstones, reminders …) nobody said."""
_TS: Final = re.compile(r"(\d{1,12})\.(\d{6})")
_ID: Final = re.compile(r"[A-Za-z0-9]{1,40}")
_MENTIONS: Final = re.compile(r"<@([A-Z0-9]{2,20})(?:\|[^<>\n]*)?>")
_HOPS: Final = 8
_FILES: Final = 10
_HOSTED: Final = frozenset({"", "hosted", "snippet", "email", "canvas", "list", "space", "post"})
Names = Mapping[str, str]
Event = Mapping[str, Any]


class Own(msgspec.Struct, frozen=True):
    """By what we know ourselves: ids, never words."""

    team: str
    user: str
    bot: str


def heard(event: Event, own: Own, names: Names) -> Heard | None:
    """One event `message` (or a message of the history with `channel` put in), or nothing."""
    if event.get("type") != "message":
        return None
    kind = SUBTYPES.get(_text(event, "subtype"))
    room = _id(event, "channel")
    if kind is None or not room:
        return None
    if kind is Kind.EDITED:
        return _edited(event, room, own, names)
    if kind is Kind.DELETED:
        before = _table(event, "previous_message")
        return _built(kind, before, room, own, names, native=_text(event, "deleted_ts"), when=_text(event, "ts"))
    return _built(kind, event, room, own, names, native=_text(event, "ts"))


def edit(message: Event, own: Own, names: Names) -> Heard | None:
    """The last edit of a message of the history."""
    when = _text(_table(message, "edited"), "ts")
    if not when or SUBTYPES.get(_text(message, "subtype")) is not Kind.SAID:
        return None
    return _built(Kind.EDITED, message, _id(message, "channel"), own, names, native=_text(message, "ts"), when=when)


def people(event: Event) -> Iterator[str]:
    """Ids whose names would help: who speaks, who is spoken of."""
    for part in (event, _table(event, "message"), _table(event, "previous_message")):
        if user := _id(part, "user"):
            yield user
        yield from _MENTIONS.findall(_text(part, "text"))[:20]


def unnumbered(event: Event) -> bool:
    """A ccmux said it, and the number of programs was left out, as Slack does where no manifest subscribes to it."""
    metadata = _table(event, "metadata")
    known = "hops" in _table(metadata, "event_payload")
    return metadata.get("event_type") == DELIVERY and not known and bool(_id(event, "channel") and _text(event, "ts"))


def order(ts: str) -> str:
    """Sorts as text; empty for what is no ts."""
    found = _TS.fullmatch(ts)
    return f"{int(found[1]):012d}.{found[2]}" if found else ""


def ts(order: str) -> str:
    """The other way round."""
    seconds, _, micros = order.partition(".")
    return f"{int(seconds)}.{micros}" if _TS.fullmatch(order) else "0"


def direct(room: str) -> bool:
    """A conversation with one person; that with several (mpim) is a room."""
    return room.startswith("D")


def _edited(event: Event, room: str, own: Own, names: Names) -> Heard | None:
    after, before = _table(event, "message"), _table(event, "previous_message")
    when = _text(_table(after, "edited"), "ts")
    changed = _text(after, "text") != _text(before, "text") if before else bool(when)
    if not changed or SUBTYPES.get(_text(after, "subtype")) is not Kind.SAID:
        return None
    return _built(Kind.EDITED, after, room, own, names, native=_text(after, "ts"), when=when or _text(event, "ts"))


def _built(
    kind: Kind, message: Event, room: str, own: Own, names: Names, *, native: str, when: str = ""
) -> Heard | None:
    sender = _sender(message, own, names)
    at, place = order(when or native), order(native)
    if sender is None or not room or not at or not place:
        return None
    ending = {Kind.SAID: "", Kind.EDITED: f":{when}", Kind.DELETED: ":deleted"}[kind]
    thread = _text(message, "thread_ts")
    said = "" if kind is Kind.DELETED else _text(message, "text")
    team = next((found for key in ("user_team", "source_team", "team") if (found := _id(message, key))), own.team)
    return Heard(
        key=f"slack:{own.team}:{room}:{native}{ending}",
        place=Place(
            room=room, thread=thread if thread != native and order(thread) else "", direct=direct(room), team=team
        ),
        sender=sender,
        native=native,
        order=place,
        at=float(at),
        text=plain(said, names, own.user),
        kind=kind,
        files=() if kind is Kind.DELETED else tuple(_files(message)),
        mentioned=own.user in _MENTIONS.findall(said),
        hops=_hops(message) if sender.bot else 0,
    )


def _sender(message: Event, own: Own, names: Names) -> Sender | None:
    user, bot = _id(message, "user"), _id(message, "bot_id")
    if user == own.user or bot == own.bot or not (user or bot):
        return None
    told = _table(message, "bot_profile" if bot else "user_profile")
    name = names.get(user, "") or _text(told, "name") or _text(message, "username")
    return Sender(user or bot, " ".join(plain(name, {}, "").split())[:80], bool(bot))


def _files(message: Event) -> Iterator[RemoteFile]:
    listed = message.get("files")
    for one in (listed if isinstance(listed, list) else [])[:_FILES]:
        if not isinstance(one, dict) or not _id(one, "id") or _text(one, "mode") == "tombstone":
            continue
        url = _text(one, "url_private_download") or _text(one, "url_private")
        size = one.get("size")
        yield RemoteFile(
            id=_id(one, "id"),
            name=safe_name(_text(one, "name") or _text(one, "title")),
            size=size if isinstance(size, int) and size >= 0 else 0,
            url=url if _text(one, "mode") in _HOSTED else "",
            mime=_text(one, "mimetype")[:100],
        )


def _hops(message: Event) -> int:
    """One at least for what a ccmux said; an event may come without the rest of its metadata."""
    metadata = _table(message, "metadata")
    hops = _table(metadata, "event_payload").get("hops")
    if metadata.get("event_type") != DELIVERY:
        return 0
    return min(max(hops, 1), _HOPS) if isinstance(hops, int) else 1


def _id(table: Event, key: str) -> str:
    value = _text(table, key)
    return value if _ID.fullmatch(value) else ""


def _text(table: Event, key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


def _table(table: Event, key: str) -> Event:
    value = table.get(key)
    return value if isinstance(value, dict) else {}
