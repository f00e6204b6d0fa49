"""`ccmux version`."""

from __future__ import annotations

import click

import ccmux


@click.command()
def command() -> int:
    """Show the version."""
    print(f"ccmux {ccmux.__version__}")
    return 0
