"""`ccmux inbox NAME`."""

from __future__ import annotations

import dataclasses
import time

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.fleet import registry
from ccmux.journal.history import dead, waiting
from ccmux.model.message import Message


@click.command()
@click.argument("name", type=INSTANCE)
@click.option("--dead", "only_dead", is_flag=True, help="Those that were given up instead.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str, only_dead: bool, as_json: bool) -> int:
    """Show the messages that wait or are being worked on, in their order."""
    paths = registry.existing(name)
    found = dead(paths.journal) if only_dead else waiting(paths.journal)
    if as_json:
        print(render.as_json({"v": 1, "instance": name, "messages": [dataclasses.asdict(one) for one in found]}))
        return 0
    if not found:
        print(f"no message of {name} is dead" if only_dead else f"no message waits for {name}")
    for one in found:
        print(_line(one))
    return 0


def _line(one: Message) -> str:
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.received_at))
    urgent = " urgent" if one.urgent else ""
    first = render.plain(one.text.strip().split("\n")[0])[:100]
    why = f" ({render.plain(one.reason)})" if one.reason else ""
    return f"{one.id}  {clock}  {one.state}{urgent}{why}  {one.channel} from {render.plain(one.sender)}: {first}"
