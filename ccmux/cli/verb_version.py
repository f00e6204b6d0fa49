"""`ccmux version`."""

from __future__ import annotations

import click

import ccmux
from ccmux.cli import render
from ccmux.journal.schema import MIGRATIONS, READABLE_FROM


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(as_json: bool) -> int:
    """Show the version."""
    if as_json:
        told = {"v": 1, "version": ccmux.__version__, "schema": len(MIGRATIONS), "readable_from": READABLE_FROM}
        print(render.as_json(told))
    else:
        print(f"ccmux {ccmux.__version__}")
    return 0
