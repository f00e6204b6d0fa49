"""`ccmux down`."""

from __future__ import annotations

import click

from ccmux.cli.several import each
from ccmux.cli.verb_stop import stopped
from ccmux.fleet import registry


@click.command()
def command() -> int:
    """Stop every instance, as `stop --all` does."""
    return each([registry.existing(name) for name in registry.names()], stopped)
