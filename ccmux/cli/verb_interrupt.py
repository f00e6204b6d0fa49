"""`ccmux interrupt NAME`."""

from __future__ import annotations

import click

from ccmux.cli.instances import INSTANCE
from ccmux.cli.several import order
from ccmux.fleet import registry


@click.command()
@click.argument("name", type=INSTANCE)
def command(name: str) -> int:
    """Stop the running turn, as Esc does; what caused it is told."""
    return order([registry.existing(name)], "interrupt", "the turn is stopped")
