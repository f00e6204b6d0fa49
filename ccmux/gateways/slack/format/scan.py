"""Markdown as a row of pieces that are best shown whole: fences, tables, and paragraphs or lists between blank lines.

No parser: what it takes for a fence or a table decides where a text is cut, and the text itself is never changed by it. A
fence within a list that ends without its closing line is taken to go on to the end of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ccmux.gateways.slack.format.size import units

_LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE: Final = re.compile(
    r"(?P<lead>[ \t]*+(?:>[ \t]?)*+[ \t]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)*+)"
    r"(?P<mark>`{3,32}(?!`)|~{3,32}(?!~))(?P<info>[^\n]*)"
)
_DELIMITER: Final = re.compile(r"[ \t>]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+\n?")
_HEADING: Final = re.compile(r" {0,3}#{1,6}[ \t]")
_LEAD: Final = 40
_INFO: Final = 80


class Shape(Enum):
    """What a piece is."""

    TEXT = auto()
    FENCE = auto()
    TABLE = auto()


@dataclass(frozen=True, slots=True)
class Atom:
    """One piece: `reopen` and `close` are the lines to be written around its parts when it is cut."""

    shape: Shape
    lines: tuple[str, ...]
    reopen: str = ""
    close: str = ""
    ended: bool = True
    """a fence has its closing line"""

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def size(self) -> int:
        return units(self.text) + (0 if self.ended else units(self.close) + 1)

    @property
    def blank(self) -> bool:
        return not self.text.strip()

    @property
    def leads(self) -> bool:
        """It makes no sense as the last of a message: a heading, or words that announce what follows."""
        return self.shape is Shape.TEXT and (
            bool(_HEADING.match(self.lines[0])) or self.text.rstrip().endswith(":") or self.blank
        )

    @property
    def hangs(self) -> bool:
        """It belongs to what is before it."""
        return self.lines[0][:1] in (" ", "\t") and not self.blank


def lines_of(text: str) -> list[str]:
    """Each with its line break."""
    return _LINES.findall(text)


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def atoms(text: str) -> list[Atom]:
    """All of the text, in its order."""
    lines, found, at = lines_of(text), list[Atom](), 0
    while at < len(lines):
        atom = _fence(lines, at) or _table(lines, at) or _text(lines, at)
        found.append(atom)
        at += len(atom.lines)
    return found


def _opening(line: str) -> re.Match[str] | None:
    found = _FENCE.match(line)
    if found is None or len(found["lead"]) > _LEAD or ("`" in found["mark"] and "`" in found["info"]):
        return None
    return found


def _fence(lines: list[str], at: int) -> Atom | None:
    found = _opening(lines[at])
    if found is None:
        return None
    mark, quoted = found["mark"], ">" in found["lead"]
    lead = re.sub(r"[^>\t]", " ", found["lead"])
    closing = re.compile(rf"[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\n?")
    end, ended = len(lines), False
    for number in range(at + 1, len(lines)):
        if closing.fullmatch(lines[number]) and (">" in lines[number]) == quoted:
            end, ended = number + 1, True
            break
        if quoted and not lines[number].lstrip().startswith(">"):
            end, ended = number, True
            break
    info = found["info"] if len(found["info"]) <= _INFO else ""
    reopen = f"{_nested(lead)}{mark}{info}\n"
    return Atom(Shape.FENCE, tuple(lines[at:end]), reopen, lead + mark, ended)


def _nested(lead: str) -> str:
    """A fence that is deep in a list stays a fence at the head of a message only within a list."""
    deep = len(lead)
    return lead if ">" in lead or "\t" in lead or deep <= 3 else "- " * (deep // 2) + " " * (deep % 2)  # noqa: PLR2004


def _begins_table(lines: list[str], at: int) -> bool:
    return (
        at + 1 < len(lines)
        and "|" in lines[at]
        and "|" in lines[at + 1]
        and _DELIMITER.fullmatch(lines[at + 1]) is not None
    )


def _table(lines: list[str], at: int) -> Atom | None:
    if not _begins_table(lines, at):
        return None
    end = at + 2
    while end < len(lines) and "|" in lines[end] and not _opening(lines[end]):
        end += 1
    return Atom(Shape.TABLE, tuple(lines[at:end]), "".join(lines[at : at + 2]))


def _text(lines: list[str], at: int) -> Atom:
    """Up to the next blank line and with the blank lines after it; a heading is one of its own."""
    end = at + 1
    while end < len(lines) and not _HEADING.match(lines[at]) and lines[end - 1].strip() and lines[end].strip():
        if _opening(lines[end]) or _begins_table(lines, end) or _HEADING.match(lines[end]):
            break
        end += 1
    while end < len(lines) and not lines[end].strip():
        end += 1
    return Atom(Shape.TEXT, tuple(lines[at:end]))
