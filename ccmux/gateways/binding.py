"""Changes of who is heard, and of which room is whose. Pure: a configuration in, another out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from ccmux.errors import UsageError
from ccmux.gateways.config import DIRECT, Access, Binding, GatewaySpec


def bind(spec: GatewaySpec, room: str, instance: str, *, name: str = "", mention: bool | None = None) -> GatewaySpec:
    """With the room bound to the instance. Raises UsageError when the room is another's, or the instance has another.

    `mention`: only what addresses us is heard; None: as it was.
    """
    old = next((one for one in spec.bind if one.room == room), None)
    if old is not None and old.instance != instance:
        raise UsageError(
            f"{called(old)} is bound to {old.instance}: one room, one instance",
            fix=f"ccmux channel unbind {old.instance}, then repeat",
        )
    has = next((one for one in spec.bind if one.instance == instance and DIRECT not in (one.room, room)), None)
    if has is not None and has.room != room:
        raise UsageError(
            f"{instance} is bound to {called(has)} already: an instance has one room",
            fix=f"ccmux channel unbind {instance}, then repeat",
        )
    before = old or Binding(room, instance)
    new = replace(before, name=name or before.name, mention=before.mention if mention is None else mention)
    rest = spec.bind if old is not None else (*spec.bind, new)
    return replace(spec, bind=tuple(new if one is old else one for one in rest))


def unbind(spec: GatewaySpec, instance: str) -> tuple[GatewaySpec, tuple[Binding, ...]]:
    """Without the rooms of the instance, and those."""
    gone = tuple(one for one in spec.bind if one.instance == instance)
    return replace(spec, bind=tuple(one for one in spec.bind if one not in gone)), gone


def called(one: Binding) -> str:
    """As people call the room, with its id."""
    if one.room == DIRECT:
        return "the direct conversations"
    return f"{one.name} ({one.room})" if one.name else one.room


def allow(spec: GatewaySpec, ids: Sequence[str], *, to: str, teams: Iterable[str] = ()) -> GatewaySpec:
    """With these among `to` (users, operators or bots) and these teams."""
    added: dict[str, Any] = {"teams": _with(spec.access.teams, teams), to: _with(getattr(spec.access, to), ids)}
    return replace(spec, access=replace(spec.access, **added))


def deny(spec: GatewaySpec, ids: Sequence[str]) -> tuple[GatewaySpec, tuple[str, ...]]:
    """Without these, wherever they stand, and those that stood somewhere."""
    kinds = ("teams", "users", "operators", "bots")
    stood = tuple(one for one in ids if any(one in getattr(spec.access, kind) for kind in kinds))
    left: dict[str, Any] = {kind: tuple(one for one in getattr(spec.access, kind) if one not in ids) for kind in kinds}
    return replace(spec, access=replace(spec.access, **left)), stood


def heard(access: Access) -> int:
    """How many are heard."""
    return len({*access.users, *access.operators, *access.bots})


def _with(before: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*before, *more]))
