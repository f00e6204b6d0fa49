"""`ccmux logs NAME [-f]`."""

from __future__ import annotations

import os

import click

from ccmux.cli.instances import INSTANCE
from ccmux.fleet import registry


@click.command()
@click.argument("name", type=INSTANCE)
@click.option("-f", "--follow", is_flag=True, help="Go on showing new lines.")
@click.option("-n", "--lines", default=50, show_default=True, type=click.IntRange(min=1), help="How many lines.")
def command(name: str, follow: bool, lines: int) -> int | None:
    """Show the daemon's log. Texts of messages are not in it; see ccmux history."""
    paths = registry.existing(name)
    if not paths.daemon_log.exists():
        print(f"{name} has not run yet")
        return 0
    if follow:
        os.execvp("tail", ["tail", "-n", str(lines), "-F", str(paths.daemon_log)])  # noqa: S606 - tail does it best
    with paths.daemon_log.open(encoding="utf-8", errors="replace") as file:
        for line in file.readlines()[-lines:]:
            print(line, end="")
    return 0
