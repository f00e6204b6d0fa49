"""`ccmux start NAME…|--all`."""

from __future__ import annotations

import click

from ccmux.cli import render
from ccmux.cli.several import chosen, each
from ccmux.errors import CcmuxError
from ccmux.fleet import service
from ccmux.paths import InstancePaths


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
def command(names: tuple[str, ...], everyone: bool) -> int:
    """Start instances; a running one is left alone, a faulted one tries again."""

    def act(paths: InstancePaths) -> str:
        started = service.start(paths)
        instance = service.wait_ready(paths)
        if instance["state"] in ("faulted", "starting"):
            raise CcmuxError(f"Claude is not ready: {render.state_of(instance)}", fix=f"ccmux logs {paths.name}")
        return f"{'started' if started else 'runs already'}, {render.state_of(instance)}"

    return each(chosen(names, everyone), act)
