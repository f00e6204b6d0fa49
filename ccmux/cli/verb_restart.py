"""`ccmux restart NAME… [--session]`."""

from __future__ import annotations

import click

from ccmux.claude.launch import work_directory
from ccmux.cli import render
from ccmux.cli.several import chosen, each
from ccmux.config.load import load
from ccmux.errors import CcmuxError
from ccmux.fleet import service
from ccmux.paths import InstancePaths


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every instance.")
@click.option("--session", is_flag=True, help="Also Claude; it comes back with its conversation.")
def command(names: tuple[str, ...], everyone: bool, session: bool) -> int:
    """Restart the daemon; Claude does not notice. With --session Claude is restarted too."""

    def act(paths: InstancePaths) -> str:
        work_directory(paths, load(paths.config))
        service.stop_daemon(paths)
        if session:
            service.stop_session(paths)
        service.start(paths)
        instance = service.wait_ready(paths)
        if instance["state"] in ("faulted", "starting"):
            raise CcmuxError(f"Claude is not ready: {render.state_of(instance)}", fix=f"ccmux logs {paths.name}")
        return f"{'daemon and session' if session else 'daemon'} restarted, {render.state_of(instance)}"

    return each(chosen(names, everyone), act)
