"""A process that is kept alive where no manager of services does that: it holds a lock while it lives, and so does the keeper
that starts it again. Imports next to nothing: the keeper stays as long as the process does.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ccmux import paths
from ccmux.paths import InstancePaths


class Kept(NamedTuple):
    """What a keeper keeps."""

    name: str
    home: Path
    gateway: bool
    words: tuple[str, ...]
    """of `ccmux`: what it runs"""
    lock: Path
    keeper_lock: Path
    errors: Path
    """what it and its keeper say on stderr"""

    @property
    def base(self) -> Path:
        """The directory of homes that it belongs to."""
        return self.home.parents[4] if self.gateway else self.home.parent

    @property
    def called(self) -> str:
        """As people call it."""
        return f"the gateway {self.name}" if self.gateway else f"the daemon of {self.name}"


def daemon(of: InstancePaths) -> Kept:
    """The daemon of an instance."""
    return Kept(of.name, of.home, False, ("run", of.name), of.lock, of.keeper_lock, of.logs / "daemon.err")


def gateway(name: str) -> Kept:
    """A gateway. Its name has been checked."""
    home = paths.gateways() / name
    return Kept(name, home, True, ("gateway", name), home / "gateway.lock", home / "keeper.lock", home / "gateway.err")


def gateways() -> list[str]:
    """The names of those that were set up."""
    return sorted(path.parent.name for path in paths.gateways().glob("[a-z]*/gateway.toml"))
