"""`gateway.toml`: who is heard, and which room is whose. It is read again whenever it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import tomlkit
from msgspec import Meta

from ccmux.errors import ConfigError
from ccmux.files import write_private
from ccmux.model.ids import NAME_PATTERN

DIRECT = "direct"
"""In place of a room: every conversation with one person alone."""
_Id = Annotated[str, Meta(pattern=r"^[!-~]{1,100}$")]


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is heard at all: ids that the service gives, never names. An empty list is nobody."""

    teams: tuple[_Id, ...] = ()
    users: tuple[_Id, ...] = ()
    operators: tuple[_Id, ...] = ()
    """who may decide approvals and give orders, beside writing"""
    bots: tuple[_Id, ...] = ()
    """programs that may write, up to `hops` of them one after the other"""
    hops: Annotated[int, Meta(ge=0, le=8)] = 2


class Binding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One room and the instance that works there."""

    room: _Id
    instance: Annotated[str, Meta(pattern=NAME_PATTERN)]
    name: str = ""
    """as people call the room"""
    mention: bool = False
    """only what addresses us by name is heard"""
    progress: bool = True
    """a message that tells what the running turn does"""


class GatewaySpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    version: Annotated[int, Meta(ge=1, le=1)] = 1
    channel: Annotated[str, Meta(pattern=NAME_PATTERN)] = ""
    """of the instances: `in.<channel>`; empty: the kind's name"""
    max_file_bytes: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 20_000_000
    access: Access = Access()
    bind: tuple[Binding, ...] = ()

    def __post_init__(self) -> None:
        """A room has one instance, an instance at most one room beside the direct conversations."""
        rooms = [one.room for one in self.bind]
        twice = next((room for room in rooms if rooms.count(room) > 1), "")
        if twice:
            raise ValueError(f"{twice} is bound twice")
        for instance in {one.instance for one in self.bind}:
            own = [one.room for one in self.bind if one.instance == instance and one.room != DIRECT]
            if len(own) > 1:
                raise ValueError(f"{instance} is bound to {own[0]} and {own[1]}: an instance has one room")

    def of_room(self, room: str, *, direct: bool) -> Binding | None:
        """Whose room that is."""
        found = next((one for one in self.bind if one.room == room), None)
        if found is None and direct:
            found = next((one for one in self.bind if one.room == DIRECT), None)
        return found

    def of_instance(self, instance: str) -> Binding | None:
        """Where an instance says what answers nothing."""
        mine = [one for one in self.bind if one.instance == instance]
        return next((one for one in mine if one.room != DIRECT), mine[0] if mine else None)


def read(path: Path) -> GatewaySpec:
    """The file's configuration; the default (nobody, nothing) where there is none. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return GatewaySpec()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file cannot be read: {error}", file=str(path), fix=f"edit {path}") from error
    return _parsed(text, path)


def _parsed(text: str, path: Path) -> GatewaySpec:
    try:
        return msgspec.toml.decode(text, type=GatewaySpec)
    except (msgspec.DecodeError, ValueError) as error:
        raise ConfigError(str(error), file=str(path), fix=f"edit {path}") from error


def change(path: Path, spec: GatewaySpec) -> None:
    """Write what `spec` says, with the comments of the file kept. Doing it twice changes nothing."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    document = tomlkit.parse(text)
    document["version"] = spec.version
    if spec.channel:
        document["channel"] = spec.channel
    document["max_file_bytes"] = spec.max_file_bytes
    access = document.setdefault("access", tomlkit.table())
    for key, value in msgspec.to_builtins(spec.access).items():
        access[key] = list(value) if isinstance(value, tuple | list) else value
    rooms = tomlkit.aot()
    for one in spec.bind:
        table = tomlkit.table()
        table.update({key: value for key, value in msgspec.to_builtins(one).items() if value != ""})
        rooms.append(table)
    document.pop("bind", None)
    if spec.bind:
        document["bind"] = rooms
    result = tomlkit.dumps(document)
    _parsed(result, path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if result != text:
        write_private(path, result.encode())
