"""`ccmux clear NAME`."""

from __future__ import annotations

import click

from ccmux.cli.instances import INSTANCE
from ccmux.cli.several import order
from ccmux.fleet import registry


@click.command()
@click.argument("name", type=INSTANCE)
def command(name: str) -> int:
    """Have Claude begin a fresh conversation; its role is given again."""
    return order([registry.existing(name)], "clear", "/clear was typed")
