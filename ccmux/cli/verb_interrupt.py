"""`ccmux interrupt NAME`."""

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
    """Stop the running turn, as Esc does; what caused it is told."""

    def act(paths: InstancePaths) -> str:
        with Client(paths, WITHIN) as client:
            client.ask(WITHIN, op="interrupt")
        return "the turn is stopped"

    return each([registry.existing(name)], act)
