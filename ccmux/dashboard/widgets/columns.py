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


def natural(columns: Sequence[Column], lines: Sequence[Line]) -> list[int]:
    """How wide each column would like to be."""
    wanted = [cell_len(column.title) for column in columns]
    for line in lines:
        for index, cell in enumerate(line.cells):
            wanted[index] = max(wanted[index], cell_len(cell.text))
    return [min(width, column.most) for width, column in zip(wanted, columns, strict=True)]


def fit(columns: Sequence[Column], room: int, wanted: Sequence[int]) -> list[tuple[int, int]]:
    """The columns shown, by index, each with its width: what it wants, or less (down to its own `width`) where it may grow."""
    least = [min(column.width, want) if column.grow else want for column, want in zip(columns, wanted, strict=True)]
    shown = list(range(len(columns)))

    def left() -> int:
        return room - sum(least[one] for one in shown) - GAP * (len(shown) - 1)

    while len(shown) > 1 and left() < 0:
        shown.remove(max(shown, key=lambda one: (columns[one].rank, one)))
    widths = {one: least[one] for one in shown}
    more = left()
    while more > 0 and (growing := [one for one in shown if widths[one] < wanted[one]]):
        one = min(growing, key=lambda one: widths[one] / max(1, columns[one].grow))
        widths[one] += 1
        more -= 1
    return [(one, widths[one]) for one in shown]


def cut(text: str, width: int, *, right: bool = False) -> str:
    """Exactly that wide; what is cut is marked."""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else "…"[:width]
    return " " * (width - size) + text if right else text + " " * (width - size)
