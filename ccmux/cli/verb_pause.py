"""`ccmux pause NAME…|--all`."""

from __future__ import annotations

import click

from ccmux.cli.several import chosen, each
from ccmux.fleet.client import Client
from ccmux.paths import InstancePaths


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
def command(names: tuple[str, ...], everyone: bool) -> int:
    """Type nothing any more; everything is kept, until `ccmux resume`."""

    def act(paths: InstancePaths) -> str:
        with Client(paths) as client:
            client.ask(op="pause")
        return "paused"

    return each(chosen(names, everyone), act)
