"""`ccmux gateway NAME`: one account at one service, for all instances that are bound to its rooms.

Everything that counts is in the spool: a gateway that is killed goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator

from ccmux.daemon import lifespan
from ccmux.daemon.systemd import Notifier
from ccmux.errors import Locked
from ccmux.gateways import kinds
from ccmux.gateways.base import Transport
from ccmux.gateways.gateway import Gateway
from ccmux.gateways.home import Home, directory
from ccmux.gateways.posting import Patience
from ccmux.gateways.turns import Bearing
from ccmux.locks import lock


def run(name: str) -> None:
    """Be that gateway until told to stop. Raises Locked when there is one, ConfigError when it cannot be."""
    serve(Home(name), kinds.make)


def serve(
    home: Home, make: Callable[[Home], Transport], *, patience: Patience | None = None, bearing: Bearing | None = None
) -> None:
    """As `run`, with a transport and limits of the caller's choice."""
    os.umask(0o077)
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    manager = Notifier.from_environment()
    with lock(home.lock):
        lifespan.log_to(home.log)
        if sys.stderr.isatty():
            logging.getLogger().addHandler(logging.StreamHandler())
        transport = make(home)
        with _alone(home, transport.identity):
            asyncio.run(Gateway(home, transport, manager).live(patience, bearing))


@contextlib.contextmanager
def _alone(home: Home, identity: str) -> Iterator[None]:
    """The only one that uses that account: a service gives each event to one of those that listen."""
    path = directory() / f"{home.kind}-{identity}.lock"
    try:
        with lock(path):
            yield
    except Locked as error:
        holder = path.read_text(encoding="utf-8", errors="replace").strip()
        raise Locked(f"process {holder} uses the account of {home.name} already", fix="ccmux gateway ls") from error
