"""`ccmux uninstall`."""

from __future__ import annotations

import click

from ccmux.upgrade import removal


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(yes: bool) -> int:
    """Stop every instance and remove all of ccmux but what is yours: the homes of the instances stay, and are named."""
    if not yes and not click.confirm("Stop every instance and remove ccmux? Conversations and messages are kept"):
        return 1
    for line in removal.remove():
        print(line, flush=True)
    return 0
