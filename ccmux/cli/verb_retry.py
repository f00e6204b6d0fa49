"""`ccmux retry ID`."""

from __future__ import annotations

import click

from ccmux.cli.find import find
from ccmux.fleet.client import Client


@click.command()
@click.argument("message_id", metavar="ID")
def command(message_id: str) -> int:
    """Try a message again that ended without an answer."""
    paths, _ = find(message_id)
    with Client(paths) as client:
        client.ask(op="retry", id=message_id)
    print(f"{message_id} of {paths.name} waits again")
    return 0
