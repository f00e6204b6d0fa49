"""`ccmux briefing NAME morning|evening`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.fleet import registry
from ccmux.paths import InstancePaths


@click.command()
@click.argument("name", type=INSTANCE)
@click.argument("kind", type=click.Choice(["morning", "evening"]))
@click.option("--send", is_flag=True, help="Have the daemon send it now, where its schedule sends it, else to Claude.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str, kind: str, send: bool, as_json: bool) -> int:
    """Print the briefing as it is now, or send it."""
    paths = registry.existing(name)
    told = {"instance": name, "kind": kind} | (_send(paths, kind) if send else _made(paths, kind))
    if as_json:
        print(render.as_json({"v": 1} | told))
    elif send:
        print(f"{told['id']} to {told['to']}")
    else:
        print("\n".join(render.plain(line) for line in told["text"].split("\n")))
    return 0


def _send(paths: InstancePaths, kind: str) -> dict[str, Any]:
    from ccmux.config.load import load
    from ccmux.fleet.client import ANSWER_WITHIN, Client

    within = load(paths.config).briefing.timeout + ANSWER_WITHIN
    with Client(paths) as client:
        answer = client.ask(within, op="briefing", id=kind)
    return {"id": answer["id"], "to": answer["to"]}


def _made(paths: InstancePaths, kind: str) -> dict[str, Any]:
    """Without the daemon; the next one that is sent says what has changed as if this had not been made."""
    from ccmux.briefing.make import make
    from ccmux.config.load import load
    from ccmux.core.days import zone_of
    from ccmux.journal.history import briefed
    from ccmux.model.instance import Briefing

    spec, wanted = load(paths.config), Briefing(kind)
    zones = [one.timezone for one in spec.schedule.values() if one.briefing == wanted]
    zone = zone_of(next(iter(zones), "") or spec.timezone)
    made = asyncio.run(make(paths, spec.briefing, wanted, kept=briefed(paths.journal), zone=zone, now=time.time()))
    return {"text": made.text, "condensed": made.condensed, "why": made.why}
