"""The names of a service, for people at the terminal: a room by its name, a person by theirs.

A kind may have an entry point of the group `ccmux.directories` beside its transport: `kind = module:make`, where
`make(Home) -> Directory` raises CcmuxError when its configuration is not complete. Without one, rooms and people are given
by their ids.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol

import msgspec

from ccmux.errors import UsageError
from ccmux.gateways.home import Home

GROUP: Final = "ccmux.directories"
_OURS: Final = (EntryPoint("slack", "ccmux.gateways.slack.directory:make", GROUP),)


class Found(msgspec.Struct, frozen=True):
    """A room."""

    id: str
    name: str = ""
    """as people call it, with its sign: `#project-a`"""
    todo: str = ""
    """what a person has to do at the service until we hear what is said there; empty: nothing"""


class Directory(Protocol):
    """Of one account. Each raises a GatewayError when the service cannot be asked, or does not do it."""

    async def room(self, word: str, *, make: bool = False) -> Found:
        """The room of that name or id; `make`: made, and joined, where that may be done. Raises UsageError: there is none."""

    def is_id(self, word: str) -> bool:
        """Whether it looks like an id of a person, program or workspace. Nothing is asked."""

    async def user(self, name: str) -> str:
        """The id of the person whom everybody calls so. Raises UsageError when there is none, or are several."""

    async def close(self) -> None:
        """Let go of everything."""


def known(home: Home) -> bool:
    """Whether its kind has one."""
    return _point(home) is not None


def of(home: Home) -> Directory:
    """Of that gateway. Raises UsageError where its kind has none."""
    point = _point(home)
    if point is None:
        raise UsageError(f"{home.kind} has no names", fix="say the id")
    make: Callable[[Home], Directory] = point.load()
    return make(home)


def _point(home: Home) -> EntryPoint | None:
    return next((one for one in (*_OURS, *entry_points(group=GROUP)) if one.name == home.kind), None)
