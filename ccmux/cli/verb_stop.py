"""`ccmux stop NAME…|--all`."""

from __future__ import annotations

import click

from ccmux.cli.several import chosen, each
from ccmux.fleet import service
from ccmux.paths import InstancePaths


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
def command(names: tuple[str, ...], everyone: bool) -> int:
    """Stop instances: the daemon, then Claude. Conversation and messages are kept."""

    def act(paths: InstancePaths) -> str:
        daemon = service.stop_daemon(paths)
        session = service.stop_session(paths)
        return "stopped" if daemon or session else "was not running"

    return each(chosen(names, everyone), act)
