"""`ccmux clear NAME`."""

from __future__ import annotations

import click

from ccmux.cli.several import each
from ccmux.fleet import registry
from ccmux.fleet.client import Client
from ccmux.paths import InstancePaths

WITHIN = 30.0


@click.command()
@click.argument("name")
def command(name: str) -> int:
    """Have Claude begin a fresh conversation; its role is given again."""

    def act(paths: InstancePaths) -> str:
        with Client(paths, WITHIN) as client:
            client.ask(WITHIN, op="clear")
        return "/clear was typed"

    return each([registry.existing(name)], act)
