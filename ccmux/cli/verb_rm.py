"""`ccmux rm NAME [--purge]`."""

from __future__ import annotations

import contextlib

import click

from ccmux.cli.instances import INSTANCE
from ccmux.errors import ConfigError
from ccmux.fleet import provision, registry
from ccmux.gateways import config
from ccmux.gateways.binding import called
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
    for room, gateway in _rooms(name):
        print(f"  {room} of {gateway} is still bound to it: ccmux channel unbind {name}")
    return 0


def _rooms(name: str) -> list[tuple[str, str]]:
    """Where it worked, of those gateways whose configuration can be read."""
    found = []
    for home in homes():
        with contextlib.suppress(ConfigError):
            found += [(called(one), home.name) for one in config.read(home.config).bind if one.instance == name]
    return found
