"""`ccmux projects`."""

from __future__ import annotations

from typing import Any

import click

from ccmux.cli import render
from ccmux.fleet.projects import dashboard

_HEAD = ("PROJECT", "STATUS", "AGE", "TOKENS", "USD", "MINUTES", "TASK")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(as_json: bool) -> int:
    """Show what every project reported last to the assistant."""
    found = dashboard()
    if as_json:
        print(render.as_json({"v": 1, "projects": found}))
        return 0
    if not found:
        print("no project has reported yet")
        return 0
    rows = [_HEAD, *(_row(one) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for number, row in enumerate(rows):
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip())
        for alert in found[number - 1]["alerts"] if number else ():
            print(f"  ! {render.plain(alert)}")
    return 0


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    words = ", ".join(render.plain(word) for word in (one["current_task"], one["progress"]) if word)
    return (
        one["project"] + (" (unverified)" if one.get("unverified") else ""),
        one["status"],
        render.age(one["received"]),
        f"{one['session_tokens_today']:,}",
        f"{one['session_cost_today']:.2f}",
        str(one["active_minutes_today"]),
        words,
    )
