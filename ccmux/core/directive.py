"""A directive out of a line: plain text, or an object with `content`. Values in, a value out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from ccmux.model.directive import Directive, Priority

MAX_BYTES: Final = 16_000
"""Bytes of a directive's content: what is longer belongs into a file of the project."""


def directive_of(text: str) -> Directive | str:
    """The directive that a line is; a sentence when it is none. What stands in `from` is nobody's word, and dropped."""
    value: Any = None
    if text.lstrip().startswith("{"):
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            value = None
    return from_object(value if isinstance(value, dict) and "content" in value else {"content": text})


def from_object(given: Mapping[str, Any]) -> Directive | str:
    """The directive that an object with `content` is; a sentence when one of its parts is wrong."""
    content, kind = given.get("content"), given.get("type", "task")
    priority, deadline = given.get("priority", "normal"), given.get("deadline")
    if not isinstance(content, str) or not content.strip():
        return "`content` must be text"
    if len(content.encode("utf-8", "replace")) > MAX_BYTES:
        return f"`content` has more than {MAX_BYTES} bytes"
    if not isinstance(kind, str) or not kind.isidentifier() or len(kind) > 32:  # noqa: PLR2004 - a word
        return "`type` must be a word"
    if priority not in [*Priority]:
        return f"`priority` must be one of {', '.join(Priority)}"
    if deadline is None or deadline == "":
        return Directive(content, kind, Priority(str(priority)))
    at = moment(deadline)
    if at is None:
        return "`deadline` must be a time with its offset, as 2026-03-01T18:00:00+08:00, or null"
    return Directive(content, kind, Priority(str(priority)), str(deadline), at)


def moment(text: object) -> float | None:
    """The wall clock that an ISO 8601 time with offset means."""
    if not isinstance(text, str) or len(text) > 40:  # noqa: PLR2004 - longer than any
        return None
    try:
        at = datetime.fromisoformat(text)
        return None if at.tzinfo is None else at.timestamp()
    except (ValueError, OverflowError):
        return None
