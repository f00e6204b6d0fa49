"""`ccmux doctor [--fix] [--json]`, `ccmux doctor --probe [--claude PATH] [--json]`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click

from ccmux.claude import binary
from ccmux.cli import render
from ccmux.errors import UsageError
from ccmux.fleet.doctor import examine, mend
from ccmux.gateways.checks import examine as gateways
from ccmux.gateways.checks import mend as mend_gateways
from ccmux.managers.checks import examine as services

_SIGNS = {"ok": "ok  ", "warn": "WARN", "error": "BAD "}


@click.command()
@click.option("--fix", is_flag=True, help="Do what can be done safely.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
@click.option("--probe", "probing", is_flag=True, help="Try everything ccmux relies on, on Claude Code itself.")
@click.option("--claude", metavar="PATH", help="With --probe: this binary, not the one on PATH.")
def command(fix: bool, as_json: bool, probing: bool, claude: str | None) -> int:
    """Say what is missing or wrong, and the command that mends it. Exits 1 when something is."""
    if probing:
        return _probe(claude or "claude", as_json)
    if claude is not None:
        raise UsageError("--claude goes with --probe", fix="ccmux doctor --probe --claude PATH")
    checks = examine()
    if fix:
        checks = mend(checks)
        mend_gateways()
    checks += [*services(), *gateways()]
    if as_json:
        rows = [{"id": one.id, "level": one.level, "message": one.message, "fix": one.fix} for one in checks]
        print(render.as_json({"v": 1, "checks": rows}))
    else:
        for one in checks:
            print(f"{_SIGNS[one.level]} {one.id}: {render.plain(one.message)}")
            if one.fix and one.level != "ok":
                print(f"       {one.fix}")
    return int(any(one.level == "error" for one in checks))


def _probe(claude: str, as_json: bool) -> int:
    """Probe one binary and print what holds."""
    from ccmux.probe.run import probe

    path = binary.find(claude)
    version, findings = asyncio.run(probe(path))
    if as_json:
        print(
            render.as_json(
                {"v": 1, "claude": str(path), "version": version, "facts": [asdict(one) for one in findings]}
            )
        )
    else:
        print(f"Claude Code {version} at {path}")
        for one in findings:
            sign = {True: "ok  ", False: "BAD ", None: "?   "}[one.holds]
            print(f"{sign} {one.id.ljust(16)}{one.what}")
            print(f"       {render.plain(one.seen)} ({one.seconds:.1f} s)")
            if one.holds is False:
                print(f"       so: {one.degrades}")
    return int(any(one.holds is not True for one in findings))
