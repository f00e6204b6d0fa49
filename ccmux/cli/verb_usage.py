"""`ccmux usage [NAME]`."""

from __future__ import annotations

from typing import Any

import click

from ccmux.cli import render
from ccmux.fleet import registry
from ccmux.fleet.usage import latest

_HEAD = ("DAY", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "USD", "MINUTES", "TURNS")


@click.command()
@click.argument("name", required=False)
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 3660), help="How many, with today.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str | None, days: int, as_json: bool) -> int:
    """Show what an instance, or all, used: tokens, cost, active minutes, turns, day by day."""
    names = [registry.existing(name).name] if name is not None else registry.names()
    found = [latest(registry.existing(one), days) for one in names]
    if as_json:
        print(render.as_json({"v": 1, "usage": found}))
    elif found:
        print("\n\n".join(_full(one) for one in found))
    else:
        print("no instances yet: ccmux new NAME makes one")
    return 0


def _full(one: dict[str, Any]) -> str:
    """Days without any use are left out."""
    days = [day for day in one["days"] if day["tokens"]["total"] or day["turns"] or day["cost_usd"]]
    if not days:
        return f"{one['instance']} has used nothing in these days"
    rows = [_HEAD, *(_row(day) for day in days)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    zone = one["timezone"] or "the machine's time zone"
    paid = "" if one["cost"] == "billed" else "; the cost is theoretical: a subscription does not bill it"
    return "\n".join([f"{one['instance']} (days in {zone}{paid})", *(f"  {line}" for line in lines)])


def _row(day: dict[str, Any]) -> tuple[str, ...]:
    counts = (f"{day['tokens'][kind]:,}" for kind in ("input", "output", "cache_read", "cache_write"))
    return (day["day"], *counts, f"{day['cost_usd']:.2f}", f"{day['active_minutes']:.1f}", str(day["turns"]))
