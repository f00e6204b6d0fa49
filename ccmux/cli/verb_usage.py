"""`ccmux usage [NAME]`."""

from __future__ import annotations

from typing import Any

import click

from ccmux.cli import render
from ccmux.fleet import registry
from ccmux.fleet.usage import latest, summed

_HEAD = ("DAY", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "USD", "MINUTES", "TURNS")


@click.command()
@click.argument("name", required=False)
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 3660), help="How many, with today.")
@click.option(
    "--by", default="day", show_default=True, type=click.Choice(["day", "instance", "model"]), help="One row each."
)
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str | None, days: int, by: str, as_json: bool) -> int:
    """Show what an instance, or all, used: tokens, cost, active minutes, turns, by day, instance or model."""
    names = [registry.existing(name).name] if name is not None else registry.names()
    found = [latest(registry.existing(one), days) for one in names]
    if by != "day":
        rows = summed(found, by)
        print(render.as_json({"v": 1, "by": by, "days": days, "usage": rows}) if as_json else _summed(rows, by))
        return 0
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
    lines = _aligned([_HEAD, *(_row(day) for day in days)])
    zone = one["timezone"] or "the machine's time zone"
    paid = "" if one["cost"] == "billed" else "; the cost is theoretical: a subscription does not bill it"
    return "\n".join([f"{one['instance']} (days in {zone}{paid})", *(f"  {line}" for line in lines)])


def _summed(rows: list[dict[str, Any]], by: str) -> str:
    """Instances or models without any use are left out."""
    used = [row for row in rows if row["tokens"]["total"]]
    if not used:
        return "nothing was used in these days"
    head = (by.upper(), *_HEAD[1 : 5 if by == "model" else None])
    return "\n".join(_aligned([head, *((render.plain(row[by]), *_figures(row)) for row in used)]))


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _row(day: dict[str, Any]) -> tuple[str, ...]:
    return (day["day"], *_figures(day))


def _figures(one: dict[str, Any]) -> tuple[str, ...]:
    counts = tuple(f"{one['tokens'][kind]:,}" for kind in ("input", "output", "cache_read", "cache_write"))
    if "cost_usd" not in one:
        return counts
    return (*counts, f"{one['cost_usd']:.2f}", f"{one['active_minutes']:.1f}", str(one["turns"]))
