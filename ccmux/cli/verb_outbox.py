"""`ccmux outbox NAME`."""

from __future__ import annotations

import dataclasses
import time

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.fleet import registry
from ccmux.journal.history import Delivery, replies


@click.command()
@click.argument("name", type=INSTANCE)
@click.option("--all", "with_taken", is_flag=True, help="Also those that their channel has taken.")
@click.option("-n", "--lines", "limit", default=100, show_default=True, type=click.IntRange(min=1), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str, with_taken: bool, limit: int, as_json: bool) -> int:
    """Show the replies that nobody has read yet."""
    paths = registry.existing(name)
    found = replies(paths.journal, waiting_only=not with_taken, limit=limit)
    if as_json:
        print(render.as_json({"v": 1, "instance": name, "replies": [dataclasses.asdict(one) for one in found]}))
        return 0
    if not found:
        print(f"no reply of {name} waits for a reader")
    for one in found:
        print(_line(one))
    return 0


def _line(one: Delivery) -> str:
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.created_at))
    taken = "taken" if one.delivered_at is not None else "waits"
    text = one.reply.text or f"[{one.reply.error}]"
    first = render.plain(text.strip().split("\n")[0])[:100]
    return f"{one.reply.id}  {clock}  out.{one.reply.channel} {taken}  to {one.reply.reply_to or 'nobody'}: {first}"
