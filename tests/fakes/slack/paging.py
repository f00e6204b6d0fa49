"""Pages and cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.fakes.slack.calls import Call
from tests.fakes.slack.values import Json, Message, Refusal

T = TypeVar("T")


def _cursor(call: Call, name: str) -> str:
    """What stands in the cursor of that kind; empty when there is none."""
    given = call.args.text("cursor")
    if not given:
        return ""
    try:
        kind, _, value = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Refusal("invalid_cursor") from None
    if kind != name or not value.replace(".", "").isdigit():
        raise Refusal("invalid_cursor")
    return value


def _leads(name: str, value: str) -> Json:
    return {
        "response_metadata": {"next_cursor": base64.b64encode(f"{name}:{value}".encode()).decode() if value else ""}
    }


def page(call: Call, rows: Sequence[T]) -> tuple[list[T], Json]:
    """The rows that `cursor` and `limit` ask for, and the fields of the answer that lead to the next."""
    start = int(_cursor(call, "next") or 0)
    end = start + call.args.number("limit", 100, 1000)
    return list(rows[start:end]), _leads("next", str(end) if end < len(rows) else "")


def page_of_messages(
    call: Call, rows: Sequence[Message], *, newest_first: bool, default: int
) -> tuple[list[Message], Json]:
    """The cursor names the next message, so that posts between two pages move nothing. `rows` are oldest first."""
    after = _cursor(call, "next_ts")
    fits: Callable[[str], bool] = (lambda ts: ts <= after) if newest_first else (lambda ts: ts >= after)
    left = [row for row in (reversed(rows) if newest_first else rows) if not after or fits(row.ts)]
    limit = call.args.number("limit", default, 1000)
    more = len(left) > limit
    return left[:limit], {"has_more": more, **_leads("next_ts", left[limit].ts if more else "")}
