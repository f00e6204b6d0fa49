"""`ccmux cancel ID`."""

from __future__ import annotations

import click

from ccmux.cli.find import find
from ccmux.fleet.client import Client


@click.command()
@click.argument("message_id", metavar="ID")
def command(message_id: str) -> int:
    """Take back a message that waits."""
    paths, _ = find(message_id)
    with Client(paths) as client:
        client.ask(op="cancel", id=message_id)
    print(f"{message_id} of {paths.name} is cancelled")
    return 0
