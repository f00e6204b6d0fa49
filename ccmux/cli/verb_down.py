"""`ccmux down`."""

from __future__ import annotations

import click

from ccmux.cli import verb_gateway as gateway
from ccmux.cli.several import each, each_called
from ccmux.cli.verb_stop import stopped
from ccmux.fleet import registry
from ccmux.managers.kept import gateways


@click.command()
def command() -> int:
    """Stop every gateway, then every instance, as `stop --all` does."""
    code = each_called([(f"gateway {name}", name) for name in gateways()], gateway.stopped)
    return each([registry.existing(name) for name in registry.names()], stopped) or code
