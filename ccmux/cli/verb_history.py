"""`ccmux history NAME`."""

from __future__ import annotations

import dataclasses
import time

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.fleet import registry
from ccmux.journal.history import Exchange, exchanges, latest_turns
from ccmux.journal.turns import Turn


@click.command()
@click.argument("name", type=INSTANCE)
@click.option(
    "-n", "--lines", "limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many messages."
)
@click.option("--turns", is_flag=True, help="Every turn of Claude, and why it began, instead.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(name: str, limit: int, turns: bool, as_json: bool) -> int:
    """Show the latest messages with their replies."""
    paths = registry.existing(name)
    if turns:
        _show_turns(name, latest_turns(paths.journal, limit), as_json=as_json)
        return 0
    found = exchanges(paths.journal, limit)
    if as_json:
        print(render.as_json({"v": 1, "instance": name, "messages": [dataclasses.asdict(one) for one in found]}))
    elif not found:
        print(f"{name} has had no messages yet")
    for one in [] if as_json else found:
        print(_full(one))
    return 0


def _show_turns(name: str, found: list[Turn], *, as_json: bool) -> None:
    if as_json:
        print(render.as_json({"v": 1, "instance": name, "turns": [dataclasses.asdict(one) for one in found]}))
    elif not found:
        print(f"{name} has had no turns yet")
    for one in [] if as_json else found:
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.at))
        print(f"{clock}  {one.cause.ljust(8)}  {one.message_id or '-'}  (prompt {render.plain(one.prompt_id)})")


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
