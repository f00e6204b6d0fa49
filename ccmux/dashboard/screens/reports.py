"""What the projects told, one after the other."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text

from ccmux.dashboard import reports
from ccmux.dashboard.board import Report
from ccmux.dashboard.screens.listing import Listing
from ccmux.dashboard.widgets.columns import Cell, Column, Line
from ccmux.dashboard.words import clock, count, minutes, money

_MANY = 500


class ReportLog(Listing[Report]):
    """Newest first."""

    HEADING = "reports"
    NOTHING = "No project has reported. Reports go to the assistant: ccmux new main makes one."
    COLUMNS: ClassVar = (
        Column("TIME", 8),
        Column("PROJECT", 10, grow=1, most=24),
        Column("TYPE", 13, rank=4, grow=1, most=20),
        Column("STATUS", 8, rank=2, grow=1, most=14),
        Column("TASK", 14, rank=1, grow=5, most=60),
        Column("PROGRESS", 8, rank=5, grow=1, most=20),
        Column("ALERTS", 10, rank=3, grow=3),
    )

    def mark(self) -> object:
        """The log's file."""
        try:
            found = (reports.directory() / "reports.jsonl").stat()
        except OSError:
            return ()
        return (found.st_mtime_ns, found.st_size)

    def read(self) -> dict[str, Report]:
        """The latest."""
        found = reports.log(_MANY)
        return {str(number): one for number, one in reversed(list(enumerate(found)))}

    def line(self, key: str, one: Report) -> Line:
        """In one line."""
        cells = (
            Cell(clock(one.received or one.at), "dim"),
            Cell(one.project, "strong"),
            Cell(one.kind, "dim"),
            Cell(one.status, "warn" if one.status == "blocked" else ""),
            Cell(one.task),
            Cell(one.progress),
            Cell(" · ".join(one.alerts), "warn"),
        )
        return Line(key, cells)

    def full(self, one: Report) -> Text:
        """Every field that it has."""
        paint = self.dashboard.paint
        text = Text(one.project, style="bold")
        used = [
            f"{count(one.tokens)} tokens" if one.tokens is not None else "",
            money(one.cost, billed=True) if one.cost is not None else "",
            f"{minutes(one.minutes)} active" if one.minutes is not None else "",
        ]
        rows = [
            ("type", f"{one.kind} {one.status}".strip(), ""),
            ("at", clock(one.at, "%Y-%m-%d %H:%M:%S"), "dim"),
            ("task", f"{one.task}  {one.progress}".strip(), ""),
            *(("alert", alert, "warn") for alert in one.alerts),
            *(("delivered", done, "good") for done in one.deliverables),
            ("today", " · ".join(part for part in used if part), ""),
            ("last word", clock(one.last_interaction, "%Y-%m-%d %H:%M:%S"), "dim"),
        ]
        for label, value, tone in rows:
            if value:
                text.append(f"\n{label.ljust(11)}", style=f"not bold {paint('dim')}")
                text.append(value, style=f"not bold {paint(tone)}")
        return text
