"""What stands in Claude Code's prompt box, from a captured screen. Used only to see drafts and our own nonce.

The box of 2.1.329: a line that begins with `❯` (or `!` in shell mode) between two rules of `─`. Dim text in it is a
placeholder, not text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_RULE: Final = re.compile(r"^[─╌━]{10,}")
_SGR: Final = re.compile(r"\x1b\[([0-9;:]*)m")
_OTHER_ESCAPE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]")
_STASHED: Final = "stashed"
"""`draft stashed` of 2.1.329, `stashed` alone of 2.1.300."""
_TALL: Final = 3
"""Lines that a box which fills the smallest window has."""
_PROMPTS: Final = ("❯", "!", ">")


@dataclass(frozen=True, slots=True)
class Box:
    """The prompt box: whether one is on the screen, and the text in it without placeholder."""

    present: bool
    text: str = ""
    focused: bool = True
    """the cursor is in it: in the search of the history it is not, and keys would go there"""
    stashed: bool = False
    """Claude says that a draft is set aside (Ctrl+S), to be put back after the next prompt"""

    @property
    def empty(self) -> bool:
        return self.present and not self.text


def read_box(screen: str, cursor: int | None = None) -> Box:
    """Find the box in a screen captured with attributes (`capture-pane -e`); `cursor`: its line, from 0."""
    lines = [_plain(line) for line in screen.split("\n")]
    rules = [number for number, (bare, _) in enumerate(lines) if _RULE.match(bare)]
    for top, bottom in reversed(list(pairwise(rules))):
        inside = lines[top + 1 : bottom]
        if inside and inside[0][0].startswith(_PROMPTS):
            return Box(
                present=True,
                text=_within(inside),
                focused=cursor is None or top < cursor < bottom,
                stashed=any(_STASHED in bare for bare, _ in lines[bottom + 1 :]),
            )
    return _tall(lines, rules, cursor)


def _within(inside: list[tuple[str, str]]) -> str:
    """The text of these lines of the box; the mark of another mode than the usual (`!`) belongs to it."""
    mark = inside[0][0][:1] if inside[0][0].startswith(_PROMPTS) else ""
    first = inside[0][1].removeprefix(mark)
    text = "\n".join(line.strip("\u00a0 ") for line in (first, *(bright for _, bright in inside[1:]))).strip()
    return text if mark in ("❯", "") else f"{mark}{text}"


def _tall(lines: list[tuple[str, str]], rules: list[int], cursor: int | None) -> Box:
    """A box that is taller than the screen: its upper rule, and perhaps its first lines, are not to be seen.

    Continued lines of the box are indented by two; a conversation above a rule has lines that are not.
    """
    if not rules:
        return Box(present=False)
    bottom = rules[-1]
    begin = 1 if rules[0] == 0 and bottom else 0
    inside = lines[begin:bottom]
    alone = len(rules) == 1 + begin and len(inside) > _TALL
    if not alone or any(bare and not bare.startswith(("  ", *_PROMPTS)) for bare, _ in inside):
        return Box(present=False)
    return Box(
        present=True,
        text=_within(inside),
        focused=cursor is None or begin <= cursor < bottom,
        stashed=any(_STASHED in bare for bare, _ in lines[bottom + 1 :]),
    )


def _plain(line: str) -> tuple[str, str]:
    """A line without attributes: all of it, and only what is not dim.

    The cursor is one inverse cell; before dim text it stands on the first character of a placeholder, which is none of
    the text either.
    """
    line = _OTHER_ESCAPE.sub("", line)
    bare, bright, at, look, cursor = "", "", 0, _Look(), False
    for found in (*_SGR.finditer(line), None):
        piece = line[at : found.start() if found else len(line)]
        if piece and look.dim and cursor:
            bright = bright[:-1]
        if piece:
            bare, bright = bare + piece, bright if look.dim else bright + piece
            cursor = look.inverse and len(piece) == 1
        if found:
            look, at = look.after(found[1]), found.end()
    return bare.rstrip(), bright.rstrip()


@dataclass(frozen=True, slots=True)
class _Look:
    """The attributes that count."""

    dim: bool = False
    inverse: bool = False

    def after(self, codes: str) -> _Look:
        """As it is after an SGR sequence; the numbers of a colour are no attributes."""
        numbers = re.split("[;:]", codes) if codes else ["0"]
        dim, inverse, skip = self.dim, self.inverse, 0
        for place, number in enumerate(numbers):
            if skip:
                skip -= 1
            elif number in ("38", "48", "58"):
                skip = 2 if numbers[place + 1 : place + 2] == ["5"] else 4
            elif number in ("", "0"):
                dim = inverse = False
            elif number in ("2", "22"):
                dim = number == "2"
            elif number in ("7", "27"):
                inverse = number == "7"
        return _Look(dim, inverse)
