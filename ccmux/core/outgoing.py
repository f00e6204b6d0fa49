"""Files that Claude wants to send along with an answer: lines of their own, `[[file: path]]`."""

from __future__ import annotations

import re
from typing import Final

FILE: Final = "[[file:"
"""What every such line has in it."""
_LINE: Final = re.compile(r"^[ \t]*\[\[file:[ \t]*([^\]\n]{1,1000}?)[ \t]*\]\][ \t]*$", re.MULTILINE)
_FENCE: Final = re.compile(r"^ {0,3}(```+|~~~+)", re.MULTILINE)


def wanted(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without such lines, and the paths in them, each once. What stands inside a code fence is text."""
    inside = _fenced(text)
    found = [match for match in _LINE.finditer(text) if not any(a <= match.start() < b for a, b in inside)]
    if not found:
        return text, ()
    kept, at = [], 0
    for match in found:
        kept.append(text[at : match.start()])
        at = min(len(text), match.end() + 1)
    rest = "".join([*kept, text[at:]]).strip("\n")
    return rest, tuple(dict.fromkeys(match[1].strip() for match in found))


def _fenced(text: str) -> list[tuple[int, int]]:
    spans, opened = [], None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence[1].startswith(opened[1]):
            spans.append((opened.start(), fence.end()))
            opened = None
    if opened is not None:
        spans.append((opened.start(), len(text)))
    return spans
