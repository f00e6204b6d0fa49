"""How long a text is for Slack, and where it may be cut."""

from __future__ import annotations

import unicodedata
from typing import Final

_ESCAPED: Final = {"&": 5, "<": 4, ">": 4}
_ZWJ: Final = "\u200d"


def units(text: str) -> int:
    """UTF-16 units. Slack does not say what its limits count; no text has more characters than these."""
    return len(text) + sum(char > "\uffff" for char in text)


def head(text: str, most: int, *, escaped: bool = False) -> int:
    """How many characters of the text fit: up to the end of a line or of a word where one ends in the second half, and
    never within a character of several code points, unless nothing else fits. With `escaped`, as `escape` will have it.
    """
    total = 0
    for at, char in enumerate(text):
        total += _ESCAPED.get(char, 1) if escaped else 1
        total += char > "\uffff"
        if total > most:
            return max(1, _seam(text, at))
    return len(text)


def _seam(text: str, at: int) -> int:
    for blank in "\n ":
        found = text.rfind(blank, at // 2, at) + 1
        if found and not _joined(text, found):
            return found
    for found in range(at, at // 2, -1):
        if not _joined(text, found):
            return found
    return at


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and after this place are one for the eye."""
    before, after = text[at - 1 : at], text[at]
    if text[at : at + 4].lstrip(" ").startswith(("`", "~")):
        return True  # at the head of a message, or of a line, these would begin or end a fence
    if unicodedata.category(after).startswith("M") or after in "\u200c\u200d" or before == _ZWJ or _modifier(after):
        return True
    if _flag(before) and _flag(after):
        start = at
        while start and _flag(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return False


def _modifier(char: str) -> bool:
    return "\U0001f3fb" <= char <= "\U0001f3ff"


def _flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
