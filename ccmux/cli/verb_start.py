"""`ccmux start NAME…|--all`."""

from __future__ import annotations

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.cli.several import chosen, each
from ccmux.errors import CcmuxError
from ccmux.managers import life
from ccmux.paths import InstancePaths


@click.command()
@click.argument("names", nargs=-1, type=INSTANCE)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
def command(names: tuple[str, ...], everyone: bool) -> int:
    """Start instances; a running one is left alone, a faulted one tries again."""
    return each(chosen(names, everyone), started)


def started(paths: InstancePaths) -> str:
    """Start one; what was done."""
    begun = life.start(paths)
    return f"{'started' if begun else 'runs already'}, {ready(paths)}"


def ready(paths: InstancePaths) -> str:
    """The state of one that was started. Raises when Claude is not past its start."""
    instance = life.wait_ready(paths)
    if instance["state"] in ("faulted", "starting"):
        raise CcmuxError(f"Claude is not ready: {render.state_of(instance)}", fix=f"ccmux logs {paths.name}")
    return render.state_of(instance)
