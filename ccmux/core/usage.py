"""What the rows of a transcript, and the status line, tell of tokens, money and time. Facts: docs/CLAUDE-CODE.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from ccmux.core.transcript import events_of
from ccmux.model.turn import PromptCommitted, TurnInterrupted
from ccmux.model.usage import Active, Spent, Tokens, Told

Fact = Spent | Active
_SYNTHETIC: Final = "<synthetic>"
"""The model of rows that Claude Code writes by itself."""
_WANTED: Final = (b'"usage"', b'"turn_duration"', b'"type":"user"')
_LONGEST: Final = 7 * 86_400_000
"""Milliseconds that a turn may be said to have lasted."""


_MOST: Final = 10**12
"""Tokens that one message may be said to have used."""


class _Usage(msgspec.Struct, frozen=True):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Message(msgspec.Struct, frozen=True):
    id: str = ""
    model: str = ""
    usage: _Usage | None = None


class _Row(msgspec.Struct, frozen=True, rename="camel"):
    type: str = ""
    subtype: str = ""
    uuid: str = ""
    timestamp: str = ""
    is_sidechain: bool = False
    is_api_error_message: bool = False
    duration_ms: float = 0.0
    message: Any = None


class _Cost(msgspec.Struct, frozen=True):
    total_cost_usd: float | None = None


class _Status(msgspec.Struct, frozen=True):
    session_id: str = ""
    cost: _Cost = _Cost()


_decode = msgspec.json.Decoder(_Row).decode
_status = msgspec.json.Decoder(_Status).decode


@dataclass(slots=True)
class Reader:
    """Follows the rows of one transcript. The same rows again are the same facts."""

    since: float = 0.0
    """wall clock of the prompt of the turn that runs; 0 when none does"""

    def read(self, line: bytes) -> list[Fact]:
        """What one complete line tells. A row that is not understood tells nothing."""
        if not any(word in line for word in _WANTED):
            return []
        try:
            row = _decode(line)
            at = datetime.fromisoformat(row.timestamp).timestamp()
        except (ValueError, OverflowError, RecursionError):  # a DecodeError and a torn character are ValueErrors
            return []
        if row.type == "assistant":
            return [*_spent(row, at), *(self._ended(row, at) if row.is_api_error_message else [])]
        if row.is_sidechain:
            return []
        if row.type == "system" and row.subtype == "turn_duration":
            self.since = 0.0
            return [Active(row.uuid, at - min(max(0.0, row.duration_ms), _LONGEST) / 1000, at)] if row.uuid else []
        return self._of_person(row, line, at) if row.type == "user" else []

    def _of_person(self, row: _Row, line: bytes, at: float) -> list[Fact]:
        """A prompt begins a turn; Esc ends one, and then no other row says how long it was."""
        for event in events_of(line):
            if isinstance(event, TurnInterrupted):
                return self._ended(row, at)
            if isinstance(event, PromptCommitted):
                self.since = at
        return []

    def _ended(self, row: _Row, at: float) -> list[Fact]:
        began, self.since = self.since, 0.0
        whole = began and row.uuid and not row.is_sidechain and at >= began
        return [Active(row.uuid, began, at)] if whole else []


def _spent(row: _Row, at: float) -> list[Fact]:
    try:
        message = msgspec.convert(row.message, _Message)
    except msgspec.ValidationError:
        return []
    if not message.id or message.model in ("", _SYNTHETIC) or message.usage is None:
        return []
    used = message.usage
    counts = (used.input_tokens, used.output_tokens, used.cache_read_input_tokens, used.cache_creation_input_tokens)
    return [Spent(message.id, at, message.model, Tokens(*(min(max(0, count or 0), _MOST) for count in counts)))]


def told_of(payload: bytes, at: float) -> Told | None:
    """What a payload of the status line, written at that wall clock, says of the cost; None when it says nothing."""
    try:
        status = _status(payload)
    except (ValueError, RecursionError):
        return None
    total = status.cost.total_cost_usd
    return (
        None
        if total is None or not status.session_id or not 0 <= total < float("inf")
        else Told(status.session_id, at, total)
    )


def grown(before: Told | None, told: Told) -> float:
    """The USD that were added since the last time.

    A conversation begins with the sum that Claude remembers of it: 0, what a resumed one had cost, or less than was told
    before when a Claude was killed. So the first word of a conversation, and a sum that is smaller, add nothing.
    """
    return 0.0 if before is None or told.at <= before.at else max(0.0, told.total - before.total)


def seconds(turns: Iterable[Active], begin: float, end: float) -> float:
    """How long at least one of the turns ran within these bounds."""
    spans = sorted((max(begin, turn.began), min(end, turn.ended)) for turn in turns)
    total, reached = 0.0, begin
    for began, ended in spans:
        if ended > max(began, reached):
            total += ended - max(began, reached)
            reached = ended
    return total
