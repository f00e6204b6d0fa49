"""`ccmux doctor [--fix] [--json]`."""

from __future__ import annotations

import click

from ccmux.cli import render
from ccmux.fleet.doctor import examine, mend

_SIGNS = {"ok": "ok  ", "warn": "WARN", "error": "BAD "}


@click.command()
@click.option("--fix", is_flag=True, help="Do what can be done safely.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(fix: bool, as_json: bool) -> int:
    """Say what is missing or wrong, and the command that mends it. Exits 1 when something is."""
    checks = examine()
    if fix:
        checks = mend(checks)
    if as_json:
        rows = [{"id": one.id, "level": one.level, "message": one.message, "fix": one.fix} for one in checks]
        print(render.as_json({"v": 1, "checks": rows}))
    else:
        for one in checks:
            print(f"{_SIGNS[one.level]} {one.id}: {render.plain(one.message)}")
            if one.fix and one.level != "ok":
                print(f"       {one.fix}")
    return int(any(one.level == "error" for one in checks))
