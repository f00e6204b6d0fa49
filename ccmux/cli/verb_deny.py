"""`ccmux deny CODE`."""

from __future__ import annotations

import click

from ccmux.cli.decide import decide


@click.command()
@click.argument("name", metavar="CODE|ID")
@click.option("--reason", default="", help="Claude is told.")
def command(name: str, reason: str) -> int:
    """Deny what Claude asks for."""
    print(decide(name, "deny", reason=reason))
    return 0
