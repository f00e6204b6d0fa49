"""`ccmux stop NAME…|--all`."""

from __future__ import annotations

import click

from ccmux.cli.instances import INSTANCE
from ccmux.cli.several import chosen, each
from ccmux.managers import life
from ccmux.paths import InstancePaths


@click.command()
@click.argument("names", nargs=-1, type=INSTANCE)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
def command(names: tuple[str, ...], everyone: bool) -> int:
    """Stop instances: the daemon, then Claude. Conversation and messages are kept."""
    return each(chosen(names, everyone), stopped)


def stopped(paths: InstancePaths) -> str:
    """Stop one; what was done."""
    return "stopped" if life.stop(paths) else "was not running"
