"""A fact about Claude Code that ccmux relies on, and what was found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccmux.probe.stage import Stage

Check = Callable[["Stage"], Awaitable[str]]


class Wrong(Exception):
    """It is not so; the text says what was seen instead."""


@dataclass(frozen=True, slots=True)
class Fact:
    """`check` returns what was seen, or raises Wrong or TimeoutError. docs/CLAUDE-CODE.md has a row for every id."""

    id: str
    what: str
    degrades: str
    """what no longer works, or works by a fall-back, when it is not so"""
    check: Check


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one fact. `holds`: None when it could not be tried."""

    id: str
    what: str
    holds: bool | None
    seen: str
    degrades: str
    seconds: float


FACTS: list[Fact] = []
"""In the order in which they are tried: each leaves Claude idle with an empty box."""


def fact(id_: str, what: str, degrades: str) -> Callable[[Check], Check]:
    """Register a check."""

    def register(check: Check) -> Check:
        FACTS.append(Fact(id_, what, degrades, check))
        return check

    return register
