"""Which columns a table has room for, and how wide each is. The same for every table, without a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size

GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column. What there is no room for is left out, the highest `rank` first."""

    title: str
    width: int
    rank: int = 0
    grow: int = 0
    """its share of what is left over"""
    most: int = 1000
    right: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its tone: one of the component classes of `Table`, or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row. `key` tells it from all others."""

    key: str
    cells: tuple[Cell, ...]


def fit(columns: Sequence[Column], room: int) -> list[tuple[int, int]]:
    """The columns shown, by index, each with its width."""
    shown = list(range(len(columns)))

    def taken() -> int:
        return sum(columns[one].width for one in shown) + GAP * (len(shown) - 1)

    while len(shown) > 1 and taken() > room:
        shown.remove(max(shown, key=lambda one: (columns[one].rank, one)))
    widths = {one: columns[one].width for one in shown}
    left = room - taken()
    growing = [one for one in shown if columns[one].grow]
    while left > 0 and growing:
        each = max(1, left // max(1, sum(columns[one].grow for one in growing)))
        for one in [*growing]:
            more = min(left, each * columns[one].grow, columns[one].most - widths[one])
            widths[one] += more
            left -= more
            if widths[one] >= columns[one].most:
                growing.remove(one)
    return [(one, widths[one]) for one in shown]


def cut(text: str, width: int, *, right: bool = False) -> str:
    """Exactly that wide; what is cut is marked."""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else "…"[:width]
    return " " * (width - size) + text if right else text + " " * (width - size)
