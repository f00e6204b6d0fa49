"""The dashboard printed once: a table for people, an object for programs."""

from __future__ import annotations

import json
import shutil
import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccmux.dashboard import reading, reports
from ccmux.dashboard.board import Board
from ccmux.dashboard.widgets.columns import fit, natural
from ccmux.dashboard.widgets.fleet import COLUMNS, line_of
from ccmux.fleet import registry
from ccmux.fleet.listing import statuses

_STYLES = {
    "dim": "dim",
    "good": "green",
    "busy": "cyan",
    "warn": "yellow",
    "bad": "red",
    "strong": "bold",
    "accent": "cyan",
}


def as_json() -> str:
    """One line."""
    told = {"v": 1, "instances": statuses(registry.names()), "reports": reports.raw()}
    return json.dumps(told, ensure_ascii=False)


def table() -> str:
    """As wide as the terminal; coloured where that is one."""
    board, now = Board(), time.time()
    for one in statuses(registry.names()):
        board.put(one)
    board.reports = reports.latest()
    board.glances = {name: reading.glance(name) for name in board.instances}
    rows = board.rows()
    if not rows:
        return "no instances yet: ccmux new NAME makes one"
    width = shutil.get_terminal_size((160, 40)).columns
    lines = [line_of(row, now) for row in rows]
    shown = fit(COLUMNS, width, natural(COLUMNS, lines))
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", width=width)
    for index, size in shown:
        right = "right" if COLUMNS[index].right else "left"
        made.add_column(Text(COLUMNS[index].title), width=size, no_wrap=True, overflow="ellipsis", justify=right)  # type: ignore[arg-type]
    for cells in (line.cells for line in lines):
        made.add_row(*(Text(cells[index].text, style=_STYLES.get(cells[index].tone, "")) for index, _ in shown))
    console = Console(width=width)
    with console.capture() as captured:
        console.print(made)
    return captured.get().rstrip("\n")
