"""`ccmux history NAME`."""

from __future__ import annotations

import dataclasses
import time

import click

from ccmux.cli import render
from ccmux.fleet import registry
from ccmux.journal.history import Exchange, exchanges


@click.command()
@click.argument("name")
@click.option(
    "-n", "--lines", "limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many messages."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(name: str, limit: int, as_json: bool) -> int:
    """Show the latest messages with their replies."""
    paths = registry.existing(name)
    found = exchanges(paths.journal, limit)
    if as_json:
        print(render.as_json({"v": 1, "instance": name, "messages": [dataclasses.asdict(one) for one in found]}))
    elif not found:
        print(f"{name} has had no messages yet")
    for one in [] if as_json else found:
        print(_full(one))
    return 0


def _full(one: Exchange) -> str:
    message = one.message
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(message.received_at))
    head = f"{clock}  {message.id}  {message.channel} from {render.plain(message.sender)}  {message.state}"
    lines = [head + (f" ({render.plain(message.reason)})" if message.reason else "")]
    lines += [f"  > {render.plain(line)}" for line in message.text.splitlines()]
    lines += [f"  > [{one.kind} {render.plain(one.name)}, {one.size} bytes: {one.file}]" for one in message.attachments]
    for reply in one.replies:
        lines += [f"  {render.plain(line)}" for line in (reply.text or f"[{reply.error}]").splitlines()]
    return "\n".join(lines)
