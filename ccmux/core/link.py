"""The acknowledged protocol over a channel's two FIFOs, alike in both directions. Bytes and `now` in, values out.

What is sent is sent again until it is acknowledged; what is received is acknowledged once it is committed, and known again
by its id. docs/PROTOCOL.md describes the lines; `docs/example-channel` is a whole peer.
"""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ccmux.model.ids import NAME_PATTERN

ID: Final = re.compile(r"[!-~]{1,200}")
"""What may name a message: printable ASCII without blanks."""
CHANNEL: Final = re.compile(NAME_PATTERN)
RESEND_FIRST: Final = 2.0
RESEND_LONGEST: Final = 60.0
"""Seconds without an acknowledgement after which a message is sent again; doubling."""
OPEN: Final = 64
"""Messages of several parts that may be under way at once; of more, the oldest is begun anew by its sender."""


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """Part `part` of `parts` of one message. `sum`: CRC-32 of the whole text, eight hex digits, when there are several.

    `files`: a directory whose files go with the message. `on`, here and in every frame: answer on `out.<on>` instead.
    """

    v: int
    id: str
    part: int
    parts: int
    text: str
    sum: str = ""
    sender: str = ""
    priority: str = ""
    expires: float = 0.0
    files: str = ""
    on: str = ""


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """The message is committed: it need not be sent again. `message`: what it is called there; `queued`: so many messages
    come before it.
    """

    v: int
    ack: str
    queued: int = 0
    message: str = ""
    on: str = ""


class Nack(msgspec.Struct, frozen=True, omit_defaults=True):
    """The message was not taken. `retry`: it may be, later."""

    v: int
    nack: str
    why: str = ""
    retry: bool = False
    on: str = ""


class Hello(msgspec.Struct, frozen=True, omit_defaults=True):
    """The peer speaks the link; replies to it are kept until it acknowledges them."""

    v: int
    hello: str
    on: str = ""


class Bye(msgspec.Struct, frozen=True, omit_defaults=True):
    """The peer leaves for good: the channel is a plain one again."""

    v: int
    bye: bool
    on: str = ""


Frame = Part | Ack | Nack | Hello | Bye
_BY_KEY: Final = {"part": Part, "ack": Ack, "nack": Nack, "hello": Hello, "bye": Bye}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that claims to be of the link, and is not right."""

    id: str
    why: str


def frame_of(value: object) -> Frame | Malformed | None:
    """The frame that a decoded JSON line is; None when it is another program's object."""
    if not isinstance(value, dict) or value.get("v") != 1:
        return None
    kind = next((kind for key, kind in _BY_KEY.items() if key in value), None)
    if kind is None:
        return None
    try:
        frame: Frame = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return Malformed(_shown(value.get("id")), str(error))
    name = next((getattr(frame, key) for key in ("id", "ack", "nack") if hasattr(frame, key)), None)
    if name is not None and not ID.fullmatch(name):
        return Malformed(_shown(name), f"an id matches {ID.pattern}")
    if frame.on and not CHANNEL.fullmatch(frame.on):
        return Malformed(_shown(name), f"a channel matches {CHANNEL.pattern}")
    if isinstance(frame, Part) and not 1 <= frame.part <= frame.parts:
        return Malformed(frame.id, f"part {frame.part} of {frame.parts}")
    return frame


def _shown(name: object) -> str:
    return name if isinstance(name, str) and ID.fullmatch(name) else ""


def line(frame: Frame) -> bytes:
    """The frame as one line."""
    return _encode(frame) + b"\n"


def checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


@dataclass(frozen=True, slots=True)
class Whole:
    """A message, all parts together."""

    id: str
    text: str
    first: Part
    """carries sender, priority and expiry"""


def _size(part: Part) -> int:
    return len(part.text.encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class Assembly:
    """Puts parts together, of several senders at once. Bounded: what breaks its sender's order is begun anew by him."""

    max_bytes: int
    _open: OrderedDict[str, tuple[list[Part], int]] = field(default_factory=OrderedDict)
    """parts so far, and their bytes"""

    def feed(self, part: Part) -> Whole | Malformed | None:
        """One more part; None while there are more to come. Part 1 begins anew."""
        if part.parts == 1:
            self._open.pop(part.id, None)
            return Whole(part.id, part.text, part)
        if part.part == 1:
            self._open[part.id] = [part], _size(part)
            self._open.move_to_end(part.id)
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
            return None
        parts, size = self._open.get(part.id, ([], 0))
        if not parts or parts[0].parts != part.parts or len(parts) + 1 != part.part:
            self._open.pop(part.id, None)
            return Malformed(part.id, f"part {part.part} of {part.parts} came out of order")
        parts.append(part)
        self._open[part.id] = parts, size + _size(part)
        if size + _size(part) > self.max_bytes:
            del self._open[part.id]
            return Malformed(part.id, f"longer than {self.max_bytes} bytes")
        if part.part < part.parts:
            return None
        del self._open[part.id]
        text = "".join(one.text for one in parts)
        if part.sum and part.sum != checksum(text):
            return Malformed(part.id, "the checksum is another one")
        return Whole(part.id, text, parts[0])


@dataclass(slots=True)
class Outstanding:
    """What was sent and is not acknowledged yet, with the time to send it again."""

    _sent: dict[str, tuple[float, float]] = field(default_factory=dict)
    """id -> (when it is due again, the pause then)"""

    def sent(self, name: str, now: float) -> None:
        _, pause = self._sent.get(name, (0.0, RESEND_FIRST / 2))
        pause = min(RESEND_LONGEST, pause * 2)
        self._sent[name] = (now + pause, pause)

    def due(self, name: str, now: float) -> bool:
        """Whether it is to be sent now: never sent, or not acknowledged in time."""
        return name not in self._sent or now >= self._sent[name][0]

    def settled(self, name: str) -> bool:
        """It was acknowledged; whether it was outstanding."""
        return self._sent.pop(name, None) is not None

    def only(self, names: Collection[str]) -> None:
        """The rest need not be sent any more, and wakes nobody."""
        self._sent = {name: sent for name, sent in self._sent.items() if name in names}

    def reader_changed(self) -> None:
        """What the old reader had not acknowledged may be lost: all of it is due."""
        self._sent.clear()

    def wake_at(self) -> float | None:
        return min((due for due, _ in self._sent.values()), default=None)
