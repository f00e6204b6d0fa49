"""The closed list of what a person may order over a channel. Everything else is a message: no slash ever reaches Claude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PLAIN: Final = frozenset({"status", "stop", "clear", "compact", "new", "pause", "resume"})
ABOUT_ONE: Final = frozenset({"approve", "deny"})


@dataclass(frozen=True, slots=True)
class Commanded:
    """One order."""

    verb: str
    code: str = ""
    """of an approval"""
    rest: str = ""
    """the reason of a denial, or the answers, one for each part of a question, separated by `;`"""


def commanded(text: str) -> Commanded | None:
    """`/status`, `/stop`, `/clear`, `/new`, `/compact`, `/pause`, `/resume`, `/approve CODE [ANSWERS]`, `/deny CODE [REASON]`."""
    words = text.strip().split(None, 2)
    if not words or "\n" in text.strip() or not words[0].startswith("/"):
        return None
    verb = words[0][1:]
    if verb in PLAIN and len(words) == 1:
        return Commanded(verb)
    if verb in ABOUT_ONE and len(words) > 1:
        return Commanded(verb, words[1], words[2] if len(words) > 2 else "")  # noqa: PLR2004 - verb, code, rest
    return None
