"""`ccmux restart NAME… [--session]`."""

from __future__ import annotations

import click

from ccmux.cli.instances import INSTANCE
from ccmux.cli.several import chosen, each
from ccmux.cli.verb_start import ready
from ccmux.managers import life
from ccmux.paths import InstancePaths


@click.command()
@click.argument("names", nargs=-1, type=INSTANCE)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
@click.option("--session", is_flag=True, help="Also Claude; it comes back with its conversation.")
def command(names: tuple[str, ...], everyone: bool, session: bool) -> int:
    """Restart the daemon; Claude does not notice. With --session Claude is restarted too."""

    def act(paths: InstancePaths) -> str:
        life.restart(paths, session=session)
        return f"{'daemon and session' if session else 'daemon'} restarted, {ready(paths)}"

    return each(chosen(names, everyone), act)
