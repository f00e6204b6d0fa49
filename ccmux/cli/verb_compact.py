"""`ccmux compact NAME`."""

from __future__ import annotations

import click

from ccmux.cli.instances import INSTANCE
from ccmux.cli.several import order
from ccmux.fleet import registry


@click.command()
@click.argument("name", type=INSTANCE)
def command(name: str) -> int:
    """Have Claude shorten its conversation to a summary."""
    return order([registry.existing(name)], "compact", "/compact was typed")
