"""`ccmux status [NAME]`."""

from __future__ import annotations

import shlex
from typing import Any

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.fleet import registry
from ccmux.fleet.listing import explained, statuses


@click.command()
@click.argument("name", required=False, type=INSTANCE)
@click.option("--explain", is_flag=True, help="Show every source of the state, its age, and which one counted.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str | None, explain: bool, as_json: bool) -> int:
    """Show one instance, or all, in full."""
    names = [registry.existing(name).name] if name is not None else registry.names()
    instances = explained(names) if explain else statuses(names)
    if as_json:
        print(render.as_json({"v": 1, "instances": instances}))
    elif instances:
        print("\n\n".join(_full(one) for one in instances))
    else:
        print("no instances yet: ccmux new NAME makes one")
    return 0


def _full(one: dict[str, Any]) -> str:
    queue, claude = one["queue"], one["claude"]
    process = f"pid {claude['pid']}, version {claude['version'] or 'unknown'}" if claude["pid"] else "not running"
    rows = [
        ("state", f"{render.state_of(one)} since {render.age(one['since'])}"),
        ("queue", f"{queue['waiting']} waiting, {queue['in_flight']} in flight, {queue['dead']} dead"),
        *([("blocked by", render.plain(one["blocked"]))] if one["blocked"] else []),
        *([("today", _today(one["usage"]))] if one.get("usage") else []),
        ("role", one["role"]),
        ("directory", render.plain(one["cwd"])),
        ("claude", process),
        ("session", one["session_id"] or "none yet"),
        *([("login", render.plain(one["login"]))] if one["login"] else []),
        *([("drift", f"{', '.join(one['drift'])}: ccmux restart {one['name']} --session")] if one["drift"] else []),
        ("daemon", f"pid {one['daemon']['pid']}" if one["daemon"]["pid"] else "not running"),
        ("home", one["home"]),
        ("attach", shlex.join(one["attach"])),
    ]
    lines = [one["name"], *(f"  {label.ljust(11)}{value}" for label, value in rows)]
    return "\n".join(lines + _why(one.get("evidence", [])))


def _today(usage: dict[str, Any]) -> str:
    tokens, cost, minutes = usage["tokens"]["total"], usage["cost_usd"], usage["active_minutes"]
    return f"{tokens:,} tokens, {cost:.2f} USD, {minutes:.1f} min active, {usage['turns']} turns"


def _why(evidence: list[dict[str, Any]]) -> list[str]:
    """The sources as a table; the one that counted is marked."""
    if not evidence:
        return []
    rows = [
        (
            "->" if one["won"] else "",
            one["source"],
            one["says"] or "-",
            render.age(one["at"]) if one["at"] else "-",
            render.plain(one["value"]),
        )
        for one in evidence
    ]
    return ["  why        (source, says, age, value)", *(f"    {a:2} {b:11}{c:9}{d:>4}  {e}" for a, b, c, d, e in rows)]
