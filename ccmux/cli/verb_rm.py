"""`ccmux rm NAME [--purge]`."""

from __future__ import annotations

import contextlib

import click

from ccmux.cli.instances import INSTANCE
from ccmux.errors import CcmuxError
from ccmux.fleet import provision, registry
from ccmux.gateways import config
from ccmux.gateways.home import homes
from ccmux.managers import life


@click.command()
@click.argument("name", type=INSTANCE)
@click.option("--purge", is_flag=True, help="Delete its home, conversation and messages too.")
def command(name: str, purge: bool) -> int:
    """Stop an instance and remove it. Without --purge its home is kept beside the others, renamed."""
    paths = registry.existing(name)
    life.forget(paths)
    aside = provision.remove(paths, purge=purge)
    print(f"{name}: removed" + (f"; all that it had is kept in {aside}" if aside else " with all that it had"))
    for home in homes():
        with contextlib.suppress(CcmuxError):
            if config.read(home.config).of_instance(name) is not None:
                print(f"  its room in {home.name} stays bound: ccmux channel unbind {name}")
    return 0
