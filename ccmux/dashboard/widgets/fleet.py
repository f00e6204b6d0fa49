"""The main table: every instance, what it does and why, what it used, what it told."""

from __future__ import annotations

from typing import Final

from ccmux.dashboard.board import Instance, Row
from ccmux.dashboard.widgets.columns import Cell, Column, Line
from ccmux.dashboard.words import age, clock, count, minutes, money, sparkline

COLUMNS: Final = (
    Column("", 1),
    Column("NAME", 10, grow=4, most=24),
    Column("STATE", 16, grow=4, most=34),
    Column("SINCE", 5, rank=4, right=True),
    Column("QUEUE", 5, rank=2, most=12),
    Column("TASK", 14, rank=3, grow=3, most=60),
    Column("PROGRESS", 9, rank=8, grow=2, most=18),
    Column("ALERTS", 12, rank=5, grow=2, most=40),
    Column("TOKENS", 6, rank=6, right=True),
    Column("COST", 8, rank=6, right=True),
    Column("ACTIVE", 6, rank=9, right=True),
    Column("REPORT", 6, rank=7, right=True),
    Column("TODAY", 24, rank=10),
)
_MARKS: Final = {
    "idle": ("○", "good"),
    "busy": ("●", "busy"),
    "starting": ("◌", "busy"),
    "waiting": ("◆", "warn"),
    "typing": ("◇", "accent"),
    "limited": ("◷", "warn"),
    "logged_out": ("◆", "bad"),
    "paused": ("‖", "dim"),
    "stopped": ("·", "dim"),
    "faulted": ("✕", "bad"),
}


def tone_of(instance: Instance) -> str:
    """How its state looks."""
    return _MARKS.get(instance.state, ("?", "bad"))[1]


def mark_of(instance: Instance) -> str:
    """Its state as one character."""
    return _MARKS.get(instance.state, ("?", "bad"))[0]


def state_of(instance: Instance) -> str:
    """State and why."""
    words = instance.state.replace("_", " ")
    why = f" · {instance.reason}" if instance.reason else ""
    until = f" until {clock(instance.until, '%H:%M')}" if instance.until else ""
    return f"{words}{why}{until}"


def queue_of(instance: Instance) -> str:
    """What waits, what is in flight, what is dead; empty when nothing is."""
    parts = [(instance.waiting, ""), (instance.in_flight, "▸"), (instance.dead, "✕")]
    return " ".join(f"{mark}{count(number)}" for number, mark in parts if number)


def line_of(row: Row, now: float) -> Line:
    """One row of the table."""
    one, report = row.instance, row.report
    alerts = report.alerts if report else ()
    more = f" +{len(alerts) - 1}" if len(alerts) > 1 else ""
    return Line(
        one.name,
        (
            Cell(mark_of(one), tone_of(one)),
            Cell(one.name, "dim" if one.state == "stopped" else "strong"),
            Cell(state_of(one), tone_of(one)),
            Cell(age(one.since, now), "dim"),
            Cell(queue_of(one), "bad" if one.dead else ""),
            Cell(row.task, "" if report and report.task else "dim"),
            Cell(report.progress if report else ""),
            Cell(f"{alerts[0]}{more}" if alerts else "", "warn"),
            Cell(count(row.tokens) if row.tokens is not None else ""),
            Cell(money(row.cost, billed=row.billed) if row.cost is not None else ""),
            Cell(minutes(row.minutes) if row.minutes is not None else "", "dim"),
            Cell(age(report.at, now) if report else "", "dim"),
            Cell(sparkline(row.glance.hours, 24), "accent"),
        ),
    )
