"""`ccmux up`."""

from __future__ import annotations

import click

from ccmux.cli.several import each
from ccmux.cli.verb_start import started
from ccmux.fleet import registry


@click.command()
def command() -> int:
    """Start every instance, as `start --all` does."""
    return each([registry.existing(name) for name in registry.names()], started)
