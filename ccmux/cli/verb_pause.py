"""`ccmux pause NAME…|--all`."""

from __future__ import annotations

import click

from ccmux.cli.instances import INSTANCE
from ccmux.cli.several import chosen, order


@click.command()
@click.argument("names", nargs=-1, type=INSTANCE)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
def command(names: tuple[str, ...], everyone: bool) -> int:
    """Type nothing any more; everything is kept, until `ccmux resume`."""
    return order(chosen(names, everyone), "pause", "paused")
