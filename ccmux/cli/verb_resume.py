"""`ccmux resume NAME…|--all`."""

from __future__ import annotations

import click

from ccmux.cli.several import chosen, each
from ccmux.fleet.client import Client
from ccmux.paths import InstancePaths


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
def command(names: tuple[str, ...], everyone: bool) -> int:
    """Go on after a pause."""

    def act(paths: InstancePaths) -> str:
        with Client(paths) as client:
            client.ask(op="resume")
        return "goes on"

    return each(chosen(names, everyone), act)
