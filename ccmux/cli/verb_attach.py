"""`ccmux attach NAME`: becomes tmux."""

from __future__ import annotations

import os
import subprocess

import click

from ccmux.cli.instances import INSTANCE
from ccmux.errors import Refused
from ccmux.fleet import registry
from ccmux.tmux.server import tmux_binary


@click.command()
@click.argument("name", type=INSTANCE)
@click.option("--read-only", is_flag=True, help="Look, but type nothing.")
def command(name: str, read_only: bool) -> None:
    """Attach your terminal to an instance. Detach with prefix d (Ctrl+B, then d)."""
    paths = registry.existing(name)
    argv = [tmux_binary(), "-S", str(paths.tmux_socket)]
    if subprocess.run(
        [*argv, "-N", "has-session", "-t", f"={paths.session}"], capture_output=True, check=False
    ).returncode:
        raise Refused(f"{name} has no session", fix=f"ccmux start {name}")
    argv += ["attach-session", *(["-r"] if read_only else [])]
    environment = {key: value for key, value in os.environ.items() if key not in ("TMUX", "TMUX_PANE")}
    os.execve(argv[0], [*argv, "-t", f"={paths.session}"], environment)  # noqa: S606 - becoming tmux is the point
