"""Bind a room to an instance: what `channel bind` and `new --slack` have in common."""

from __future__ import annotations

from ccmux.cli.gateways import change, room
from ccmux.errors import UsageError
from ccmux.gateways import binding, config
from ccmux.gateways.config import DIRECT, Binding
from ccmux.gateways.directory import Found
from ccmux.gateways.home import Home, homes


def gateway_of(kind: str, instance: str) -> Home:
    """Where a room of the instance is bound: its own account, or the one that all share. Raises UsageError without either."""
    found = [home for home in homes() if home.kind == kind and home.own in ("", instance)]
    if not found:
        raise UsageError(f"{kind} was never set up", fix=f"ccmux {kind} setup")
    return next((home for home in found if home.own), found[0])


def check(home: Home, word: str, instance: str) -> None:
    """Whether the room may be the instance's, as far as that is known without asking the service. Raises UsageError."""
    spec = config.read(home.config)
    known = next((one.room for one in spec.bind if word in (one.room, one.name)), None)
    binding.bind(spec, known or (word if word == DIRECT else "?"), instance)


def bind(
    home: Home, word: str, instance: str, *, mention: bool | None = None, make: bool = False
) -> tuple[Binding, Found]:
    """Have the room heard for the instance; what stands in the configuration now. Repeated, it changes nothing."""
    check(home, word, instance)
    found = room(home, word, make=make)
    spec = change(home, lambda before: binding.bind(before, found.id, instance, name=found.name, mention=mention))
    return next(one for one in spec.bind if one.room == found.id), found
