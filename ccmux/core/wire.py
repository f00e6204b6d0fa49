"""The lines of FIFOs, to and from values. docs/PROTOCOL.md is their description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from ccmux.core.link import Frame, Malformed, checksum, frame_of
from ccmux.model.message import Reply


@dataclass(frozen=True, slots=True)
class Incoming:
    """What one line of an `in.*` FIFO asks for."""

    text: str
    plain: bool = True
    """it is the line itself, and not what another program wrote into an object"""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that cannot be a message. `text` keeps what it was, so that a person can see it."""

    text: str
    reason: str


def parse_line(line: bytes) -> Incoming | Unreadable | Frame | Malformed | None:
    """One line without its LF; None when there is nothing in it.

    Plain text is the message. A JSON object with `"v": 1` and a key of the link is a frame of it (`ccmux.core.link`); any
    other is a message of another program: its `content` is the message when it has one (`{channel, content, ts, meta}`,
    a directive), else the object itself is, verbatim (a report). `from` and `channel` in it are never believed.
    """
    try:
        text = line.decode("utf-8").rstrip("\r\0")
    except UnicodeDecodeError as error:
        shown = line.decode("utf-8", "backslashreplace")
        return Unreadable(shown, f"the line is not UTF-8 (byte {error.start})")
    if not text.strip():
        return None
    if text.lstrip().startswith("{"):
        value = _decoded(text)
        frame = frame_of(value)
        if frame is not None:
            return frame
        content = value.get("content") if isinstance(value, dict) else None
        if isinstance(content, str):
            return Incoming(content, plain=False) if content.strip() else None
        if content is not None:
            return Unreadable(text, f"`content` must be a string, not {type(content).__name__}")
    return Incoming(text)


def _decoded(text: str) -> Any:  # noqa: ANN401 - whatever the stranger wrote
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


class OutLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of an `out.*` FIFO: part `part` of `parts` of a reply."""

    v: int
    id: str
    reply_to: str
    part: int
    parts: int
    text: str
    error: str = ""
    sum: str = ""
    about: str = ""
    files: str = ""
    to: str = ""


_encode = msgspec.json.Encoder().encode


def out_lines(reply: Reply, limit: int) -> list[bytes]:
    """The reply as lines of at most `limit` bytes each (PIPE_BUF: the kernel writes such a line whole)."""
    worst = OutLine(
        v=1,
        id=reply.id,
        reply_to=reply.reply_to,
        part=999_999,
        parts=999_999,
        text="",
        sum="0" * 8,
        about=reply.about,
        files=reply.files,
        to=reply.to,
    )
    error = _cut(reply.error, min(limit // 4, (limit - len(_encode(worst))) // 2))
    room = limit - len(_encode(worst)) - len(_encode(error)) - len(',"error":') - 1
    pieces = list(slices(reply.text, room)) or [""]
    lines, total = [], checksum(reply.text) if len(pieces) > 1 else ""
    for number, piece in enumerate(pieces, 1):
        line = OutLine(
            v=1,
            id=reply.id,
            reply_to=reply.reply_to,
            part=number,
            parts=len(pieces),
            text=piece,
            error=error,
            sum=total,
            about=reply.about,
            files=reply.files,
            to=reply.to,
        )
        lines.append(_encode(line) + b"\n")
    return lines


def _cut(text: str, room: int) -> str:
    return next(slices(text, room), "")


def slices(text: str, room: int) -> Iterator[str]:
    """Pieces of the text whose JSON takes at most `room` bytes each, cut between characters."""
    at = 0
    while at < len(text):
        size = room
        while len(_encode(text[at : at + size])) - 2 > room:
            size = max(1, size * room // max(room + 1, len(_encode(text[at : at + size])) - 2))
        yield text[at : at + size]
        at += size
