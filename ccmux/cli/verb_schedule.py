"""`ccmux schedule NAME [run SCHEDULE]`."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.errors import UsageError
from ccmux.fleet import registry
from ccmux.paths import InstancePaths

_HEAD = ("NAME", "WHEN", "SAYS", "TO", "NEXT", "LAST")


@click.command()
@click.argument("name", type=INSTANCE)
@click.argument("action", required=False, type=click.Choice(["run"]))
@click.argument("schedule", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str, action: str | None, schedule: str | None, as_json: bool) -> int:
    """Show the schedules of an instance, when each fired last and will next; or fire one now."""
    paths = registry.existing(name)
    if action and not schedule:
        raise UsageError("say which schedule is to fire", fix=f"ccmux schedule {name}")
    if schedule:
        return _run(paths, schedule, as_json)
    found = _all(paths)
    if as_json:
        print(render.as_json({"v": 1, "instance": name, "schedules": found}))
    elif not found:
        print(f"{name} has no schedules; docs/CONFIG.md describes [schedule.NAME]")
    else:
        rows = [_HEAD, *(_row(one) for one in found)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _run(paths: InstancePaths, schedule: str, as_json: bool) -> int:
    from ccmux.config.load import load
    from ccmux.fleet.client import ANSWER_WITHIN, Client

    within = load(paths.config).briefing.timeout + ANSWER_WITHIN
    with Client(paths) as client:
        answer = client.ask(within, op="fire", id=schedule)
    told = {"instance": paths.name, "schedule": schedule, "id": answer["id"], "to": answer["to"]}
    print(render.as_json({"v": 1} | told) if as_json else f"{told['id']} to {told['to']}")
    return 0


def _all(paths: InstancePaths) -> list[dict[str, Any]]:
    """From the files, also without a daemon: as the next look of one that runs with them will see it."""
    from ccmux.config.load import load
    from ccmux.core.days import zone_of
    from ccmux.core.schedule import dealt_with, due
    from ccmux.journal.history import schedules

    spec, now, found = load(paths.config), time.time(), []
    marks = schedules(paths.journal)
    for name, one in spec.schedule.items():
        timezone = one.timezone or spec.timezone
        mark = marks.get(name)
        known = mark is not None and mark.timing == f"{one.line} {timezone}"
        until = dealt_with(mark.until, mark.fired, now) if mark is not None and known else now
        found.append(
            {
                "name": name,
                "enabled": one.enabled,
                "cron": one.line,
                "timezone": timezone,
                "says": one.briefing or "text",
                "to": one.to,
                "next": due(one, zone_of(timezone), until, now).next if one.enabled else None,
                "last": mark.fired if mark is not None and mark.fired else None,
            }
        )
    return found


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    when = f"{one['cron']} {one['timezone']}".rstrip()
    says = f"{one['says']} briefing" if one["says"] != "text" else "text"
    upcoming = _clock(one["next"], one["timezone"]) if one["enabled"] else "not enabled"
    return (one["name"], when, says, one["to"], upcoming, _clock(one["last"], one["timezone"]))


def _clock(at: float | None, timezone: str) -> str:
    from ccmux.core.days import zone_of

    return f"{datetime.fromtimestamp(at, zone_of(timezone)):%a %Y-%m-%d %H:%M}" if at else "-"
