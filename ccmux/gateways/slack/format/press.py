"""What a button carries, and what of it is believed when it comes back: its form alone."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Decision = Literal["allow", "session", "deny"]
_MOST: Final = 2_000


class Press(msgspec.Struct, frozen=True, omit_defaults=True):
    """`answer` is the number of an option. Whether its approval is open, and who pressed, is for the caller to check."""

    id: str
    decision: Decision
    answer: str = ""

    def value(self) -> str:
        return msgspec.json.encode(self).decode()


def pressed(value: str) -> Press | None:
    """The button's value, or None where it is none of ours."""
    if len(value) > _MOST:
        return None
    try:
        return msgspec.json.decode(value, type=Press)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
