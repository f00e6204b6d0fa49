"""Texts of the overview: the line above the table, and what is told of one instance below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.text import Text

from ccmux.dashboard.board import Board, Row
from ccmux.dashboard.widgets.fleet import mark_of, state_of, tone_of
from ccmux.dashboard.words import age, clock, count, minutes, money

Paint = Callable[[str], str]
"""A tone (as of `Table`) to a style of rich's."""

EMPTY: Final = """\
No instances yet.

  ccmux new main                        the assistant, which keeps an eye on the projects
  ccmux new project-a --dir ~/src/a     a Claude Code session for a project

It appears here by itself. Press ? for the keys, q to leave."""
_LABEL: Final = 11


def summary(board: Board, now: float, width: int, paint: Paint) -> Text:
    """How many, who needs a person, what the day has cost."""
    rows = board.rows()
    instances = [row.instance for row in rows]
    text = Text(" ccmux ", style="bold", no_wrap=True)
    if rows:
        busy, stopped = (sum(one.state == state for one in instances) for state in ("busy", "stopped"))
        needs, dead = sum(one.needs for one in instances), sum(one.dead for one in instances)
        for number, words, tone in (
            (len(rows), "instance" if len(rows) == 1 else "instances", ""),
            (needs, "needs you" if needs == 1 else "need you", "warn"),
            (busy, "busy", "busy"),
            (dead, "dead letter" if dead == 1 else "dead letters", "bad"),
            (stopped, "stopped", "dim"),
        ):
            part = f"  {number} {words}"
            if number and text.cell_len + len(part) < width:
                text.append(part, style=f"not bold {paint(tone)}")
    now_is = Text(clock(now, "%H:%M "), style=paint("dim"))
    tokens = sum(row.tokens or 0 for row in rows)
    if tokens:
        cost, billed = sum(row.cost or 0 for row in rows), all(row.billed for row in rows)
        today = Text(f"today {count(tokens)} tokens  {money(cost, billed=billed)}   ")
        rights = [today + now_is, now_is]
    else:
        rights = [now_is]
    for right in rights:
        if (gap := width - text.cell_len - right.cell_len) > 1:
            return text.append(" " * gap).append_text(Text("", style="not bold") + right)
    return text


def detail(row: Row, now: float, paint: Paint) -> Text:
    """What is known of one instance, a line each."""
    one, report = row.instance, row.report
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{mark_of(one)} ", style=paint(tone_of(one))).append(one.name, style="bold")
    text.append(f"  {one.role}  ", style=paint("dim")).append(state_of(one), style=paint(tone_of(one)))
    if one.since:
        text.append(f" for {age(one.since, now)}", style=paint("dim"))

    def put(label: str, value: str, tone: str = "") -> None:
        if value:
            text.append(f"\n{label.ljust(_LABEL)}", style=paint("dim")).append(value, style=paint(tone))

    progress = f"  {report.progress}" if report and report.progress else ""
    put("task", f"{row.task}{progress}")
    for number, alert in enumerate(report.alerts if report else ()):
        put("" if number else "alerts", alert, "warn")
    put("delivered", " · ".join(report.deliverables) if report else "")
    if report:
        kind = f"{report.kind} " if report.kind else ""
        put("report", f"{kind}{report.status} {age(report.at, now)} ago".strip() if report.at else report.status)
    queue = [(one.waiting, "waiting"), (one.in_flight, "in flight"), (one.dead, "dead")]
    put("queue", ", ".join(f"{number} {words}" for number, words in queue if number))
    put("held by", one.blocked if one.blocked not in {one.state, one.reason} else "", "warn")
    if row.tokens is not None:
        cost = f" · {money(row.cost, billed=row.billed)}" if row.cost is not None else ""
        active = f" · {minutes(row.minutes)} active" if row.minutes is not None else ""
        put("today", f"{row.tokens:,.0f} tokens{cost}{active}")
    put("drift", f"{', '.join(one.drift)}: R restarts it" if one.drift else "", "warn")
    put("directory", one.cwd, "dim")
    put("mend it", _mend(row), "accent")
    return text


def _mend(row: Row) -> str:
    """What a person does about a state that needs one."""
    one = row.instance
    if one.state == "waiting":
        return "a answers it" if one.reason == "approval" else "t attaches: answer it in its terminal"
    return {
        "logged_out": "t attaches: /login in its terminal",
        "faulted": f"s starts it again; ccmux logs {one.name} tells why",
        "stopped": f"s starts it (ccmux start {one.name})",
        "paused": "p goes on",
    }.get(one.state, "")
