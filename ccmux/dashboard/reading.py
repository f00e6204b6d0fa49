"""What the journals hold, read as the verbs read it. Blocking: call it in a thread."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import Final

from ccmux.claude.launch import login_of
from ccmux.claude.login import Kind
from ccmux.config.load import load
from ccmux.core.days import zone_of
from ccmux.dashboard.board import Glance
from ccmux.dashboard.words import plain
from ccmux.errors import CcmuxError
from ccmux.journal import history
from ccmux.journal.history import Exchange, Trace
from ccmux.journal.turns import Turn
from ccmux.model.approval import Approval
from ccmux.model.instance import InstanceSpec
from ccmux.model.message import Message
from ccmux.paths import InstancePaths

_MANY: Final = 200
TROUBLE: Final = (CcmuxError, OSError, ValueError)
"""What a home may hold against us: a damaged journal, a file that is not ours to read, words of a newer release."""

Stamp = tuple[tuple[int, int], ...]


def stamp(paths: InstancePaths) -> Stamp:
    """Changes whenever the journal does."""
    return tuple(_of(paths, suffix) for suffix in ("", "-wal"))


def _of(paths: InstancePaths, suffix: str) -> tuple[int, int]:
    try:
        found = paths.journal.with_name(paths.journal.name + suffix).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


@dataclass(frozen=True, slots=True)
class Life:
    """The messages and turns of one instance, newest first."""

    exchanges: tuple[Exchange, ...] = ()
    turns: tuple[Turn, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of an instance."""

    instance: str
    approval: Approval


@dataclass(frozen=True, slots=True)
class Dead:
    """A message that an instance gave up."""

    instance: str
    message: Message


def life(name: str) -> Life:
    """The latest of one instance."""
    journal = InstancePaths.of(name).journal
    try:
        found = history.exchanges(journal, _MANY)
        return Life(tuple(reversed(found)), tuple(reversed(history.latest_turns(journal, _MANY))))
    except TROUBLE as error:
        return Life(trouble=plain(str(error)))


def trace(name: str, message_id: str) -> Trace | None:
    """The way of one message."""
    try:
        return history.trace(InstancePaths.of(name).journal, message_id)
    except TROUBLE:
        return None


def asked(names: list[str]) -> list[Asked]:
    """What waits for an answer anywhere, oldest first."""
    found: list[Asked] = []
    for name in names:
        try:
            open_ones = history.approvals(InstancePaths.of(name).journal, everything=False, limit=_MANY)
        except TROUBLE:  # `ccmux doctor` tells
            continue
        found += [Asked(name, one) for one in open_ones]
    return sorted(found, key=lambda one: one.approval.created_at)


def dead(names: list[str]) -> list[Dead]:
    """What was given up anywhere, oldest first."""
    found: list[Dead] = []
    for name in names:
        try:
            found += [Dead(name, one) for one in history.dead(InstancePaths.of(name).journal)]
        except TROUBLE:
            continue
    return sorted(found, key=lambda one: one.message.received_at)


def glance(name: str) -> Glance:
    """Today's hours, what is worked on, and whether it is billed."""
    paths, billed = InstancePaths.of(name), False
    spec = InstanceSpec()
    with contextlib.suppress(*TROUBLE):  # a configuration that is wrong: the state tells
        spec = load(paths.config)
        billed = login_of(paths, spec, os.environ).kind is Kind.HELPER
    try:
        hours = history.usage_hours(paths.journal, time.time(), zone_of(spec.timezone))
        flying = [one for one in history.waiting(paths.journal) if one.state.in_flight]
    except TROUBLE:
        return Glance(billed=billed)
    return Glance(tuple(hours), plain(flying[0].text.strip()) if flying else "", billed)
