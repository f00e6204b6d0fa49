"""Figures as a table: median, spread, baseline, ratio, target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    what: str
    values: Sequence[float]
    unit: str
    target: str
    baseline: Sequence[float] = ()
    met: bool | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        return self.median / statistics.median(self.baseline) if self.baseline else None


def render(rows: Sequence[Row]) -> str:
    head = "| what | median | min – max | n | raw baseline | ratio | target | |\n|---|---|---|---|---|---|---|---|"
    return "\n".join([head, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    base = f"{statistics.median(row.baseline):.4g} {row.unit}" if row.baseline else "–"
    ratio = f"{row.ratio:.2f} ×" if row.ratio is not None else "–"
    met = {True: "met", False: "MISSED", None: ""}[row.met]
    spread = f"{min(row.values):.4g} – {max(row.values):.4g}"
    cells = [row.what, f"{row.median:.4g} {row.unit}", spread, str(len(row.values)), base, ratio, row.target, met]
    return "| " + " | ".join(cells) + " |"
