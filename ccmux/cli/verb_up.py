"""`ccmux up`."""

from __future__ import annotations

import click

from ccmux.cli import verb_gateway as gateway
from ccmux.cli.several import each, each_called
from ccmux.cli.verb_start import started
from ccmux.fleet import registry
from ccmux.managers.kept import gateways


@click.command()
def command() -> int:
    """Start every instance, as `start --all` does, then every gateway."""
    code = each([registry.existing(name) for name in registry.names()], started)
    joined = each_called([(f"gateway {name}", name) for name in gateways()], gateway.started)
    return code or joined
