"""What is known of all instances at one moment, and the rows that a person sees of it. Without I/O, loop or clock.

Status lines and reports are data of other programs: a value of a wrong type is as if it were not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ccmux.dashboard.words import plain
from ccmux.paths import MAIN

_NEEDS: Final = frozenset({"waiting", "logged_out", "faulted"})
_MANY: Final = 50
_BILLED: Final = "key by helper"


@dataclass(frozen=True, slots=True)
class Report:
    """What a project told of itself."""

    project: str
    at: float = 0.0
    kind: str = ""
    status: str = ""
    task: str = ""
    progress: str = ""
    tokens: float | None = None
    cost: float | None = None
    minutes: float | None = None
    last_interaction: float = 0.0
    alerts: tuple[str, ...] = ()
    deliverables: tuple[str, ...] = ()
    received: float = 0.0


@dataclass(frozen=True, slots=True)
class Instance:
    """One object of `ls --json`."""

    name: str
    role: str = ""
    state: str = ""
    reason: str = ""
    since: float = 0.0
    until: float = 0.0
    cwd: str = ""
    waiting: int = 0
    in_flight: int = 0
    dead: int = 0
    blocked: str = ""
    login: str = ""
    drift: tuple[str, ...] = ()
    tokens: float | None = None
    cost: float | None = None
    minutes: float | None = None
    billed: bool = False
    daemon: int = 0
    version: str = ""

    @property
    def needs(self) -> bool:
        """A person must do something."""
        return self.state in _NEEDS


@dataclass(frozen=True, slots=True)
class Glance:
    """What its journal adds."""

    hours: tuple[int, ...] = ()
    """tokens of every hour of its day so far"""
    working_on: str = ""
    """the message in flight"""
    billed: bool = False
    """by its files; what its daemon says is the same, while it runs"""


@dataclass(frozen=True, slots=True)
class Row:
    """One instance as the main table shows it."""

    instance: Instance
    report: Report | None
    glance: Glance

    @property
    def task(self) -> str:
        """What the project says that it does, else the message that is worked on."""
        told = self.report.task if self.report else ""
        return told or self.glance.working_on

    @property
    def tokens(self) -> float | None:
        return _first(self.instance.tokens, self.report.tokens if self.report else None)

    @property
    def cost(self) -> float | None:
        return _first(self.instance.cost, self.report.cost if self.report else None)

    @property
    def billed(self) -> bool:
        """Somebody pays the cost."""
        return self.instance.billed or self.glance.billed

    @property
    def minutes(self) -> float | None:
        return _first(self.instance.minutes, self.report.minutes if self.report else None)


@dataclass(slots=True)
class Board:
    """Filled by a feed, read by screens."""

    instances: dict[str, Instance] = field(default_factory=dict)
    raw: dict[str, dict[str, Any]] = field(default_factory=dict)
    """the objects of `ls --json` as they came"""
    reports: dict[str, Report] = field(default_factory=dict)
    glances: dict[str, Glance] = field(default_factory=dict)
    trouble: str = ""
    """why the homes cannot be listed; empty when they can"""
    complete: bool = False
    """every home was looked at once"""

    def put(self, told: object) -> None:
        """Take one object of `ls --json`."""
        instance = instance_of(told)
        if instance is not None:
            self.instances[instance.name] = instance
            self.raw[instance.name] = dict(told) if isinstance(told, Mapping) else {}

    def forget(self, name: str) -> None:
        """Its home is gone."""
        for kept in (self.instances, self.raw, self.glances):
            kept.pop(name, None)

    def rows(self) -> list[Row]:
        """The assistant first, then by the alphabet: a row stays where it is."""
        names = sorted(self.instances, key=lambda name: (name != MAIN, name))
        return [Row(self.instances[one], self.reports.get(one), self.glances.get(one, Glance())) for one in names]


def instance_of(value: object) -> Instance | None:
    """From an object of `ls --json`; None when it names nobody."""
    if not isinstance(value, Mapping) or not _text(value, "name"):
        return None
    queue, usage = _object(value, "queue"), _object(value, "usage")
    daemon = _object(value, "daemon")
    return Instance(
        name=_text(value, "name"),
        role=_text(value, "role"),
        state=_text(value, "state"),
        reason=_text(value, "reason"),
        since=_number(value, "since") or 0.0,
        until=_number(value, "until") or 0.0,
        cwd=_text(value, "cwd"),
        waiting=int(_number(queue, "waiting") or 0),
        in_flight=int(_number(queue, "in_flight") or 0),
        dead=int(_number(queue, "dead") or 0),
        blocked=_text(value, "blocked"),
        login=_text(value, "login"),
        drift=_texts(value, "drift"),
        tokens=_number(_object(usage, "tokens"), "total"),
        cost=_number(usage, "cost_usd"),
        minutes=_number(usage, "active_minutes"),
        billed=_text(value, "login").startswith(_BILLED),
        daemon=int(_number(daemon, "pid") or 0),
        version=_text(daemon, "version"),
    )


def report_of(value: object) -> Report | None:
    """From a line of the assistant's reports; None when it names no project."""
    if not isinstance(value, Mapping) or not _text(value, "project"):
        return None
    return Report(
        project=_text(value, "project"),
        at=_moment(value, "ts"),
        kind=_text(value, "type"),
        status=_text(value, "status"),
        task=_text(value, "current_task"),
        progress=_text(value, "progress"),
        tokens=_number(value, "session_tokens_today"),
        cost=_number(value, "session_cost_today"),
        minutes=_number(value, "active_minutes_today"),
        last_interaction=_moment(value, "last_interaction"),
        alerts=_texts(value, "alerts"),
        deliverables=_texts(value, "deliverables"),
        received=_moment(value, "received"),
    )


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _text(value: Mapping[Any, Any], key: str) -> str:
    found = value.get(key)
    return plain(found) if isinstance(found, str) else ""


def _texts(value: Mapping[Any, Any], key: str) -> tuple[str, ...]:
    found = value.get(key)
    if not isinstance(found, list | tuple):
        return ()
    return tuple(text for one in found[:_MANY] if isinstance(one, str) and (text := plain(one)))


def _number(value: Mapping[Any, Any], key: str) -> float | None:
    found = value.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found if 0 <= found < 1e15 and math.isfinite(found) else None  # noqa: PLR2004 - more is no measure of ours


def _object(value: Mapping[Any, Any], key: str) -> Mapping[Any, Any]:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _moment(value: Mapping[Any, Any], key: str) -> float:
    found = value.get(key)
    if not isinstance(found, str):
        return 0.0
    try:
        return datetime.fromisoformat(found).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
