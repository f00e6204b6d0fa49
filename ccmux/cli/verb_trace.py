"""`ccmux trace ID`."""

from __future__ import annotations

import dataclasses
import time

import click

from ccmux.cli import render
from ccmux.cli.find import find
from ccmux.journal.history import Trace


@click.command()
@click.argument("message_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(message_id: str, as_json: bool) -> int:
    """Show the way of one message, with the proof of every step."""
    paths, found = find(message_id)
    if as_json:
        print(render.as_json({"v": 1, "instance": paths.name, "trace": dataclasses.asdict(found)}))
    else:
        print(_full(paths.name, found))
    return 0


def _full(name: str, found: Trace) -> str:
    message = found.message
    key = f", key {render.plain(found.source_key)}" if found.source_key else ""
    source = f"on {message.channel} from {render.plain(message.sender)} (cause: {found.cause}{key})"
    steps = [(message.received_at, "received", source)]
    steps += [(one.at, one.event, render.plain(one.detail)) for one in found.notes]
    steps += [(one.at, "turn", f"{one.cause}, prompt {render.plain(one.prompt_id)}") for one in found.turns]
    for one in found.deliveries:
        size = f"{len(one.reply.text)} characters" if one.reply.text else f"[{render.plain(one.reply.error)}]"
        steps.append((one.created_at, "reply", f"{one.reply.id} for out.{one.reply.channel}: {size}"))
        if one.delivered_at is not None:
            steps.append((one.delivered_at, "taken", one.reply.id))
    ended = f"{message.state}" + (f" ({render.plain(message.reason)})" if message.reason else "")
    steps.sort(key=lambda step: step[0])
    lines = [f"  {_clock(at)}  {what.ljust(11)}{detail}" for at, what, detail in steps]
    return "\n".join([f"{message.id} of {name}: {ended}", *lines])


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) + f".{int(at * 1000) % 1000:03d}"
