"""When a schedule is due. Its line, what was dealt with, and `now` in; what fires, and when to look again, out.

A schedule lives by the clock on the wall. A time that this clock jumps over comes when it goes on, once, however many were
jumped over; one that it shows twice comes the first time. So the moments of a line keep its order, and none is there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from math import floor
from typing import Final

from ccmux.core.days import Zone
from ccmux.model.instance import Misfire, ScheduleSpec

MOST: Final = 24
"""Times that were missed and are made up for at once, at most: the latest."""
_OVERLAP: Final = timedelta(hours=25)
"""By how much a clock may be set back in a zone: a day, at the date line."""


@dataclass(frozen=True, slots=True)
class Due:
    """What follows from the time."""

    fires: tuple[float, ...] = ()
    """wall clock of each, oldest first"""
    until: float = 0.0
    """wall clock up to which all is dealt with, once these have fired"""
    passed: int = 0
    """how many are let pass; of very many, no more than MOST are counted"""
    next: float | None = None
    """wall clock of the next one; None: there will be none"""


def dealt_with(until: float, fired: float, now: float) -> float:
    """Up to when everything is dealt with, if the clock was set back since: what has not been said may come after all."""
    return until if fired > now else min(until, now)


def due(spec: ScheduleSpec, zone: Zone, until: float, now: float) -> Due:
    """What is due now, when everything up to `until` was dealt with.

    Where the clock was set back to before `until`, nothing is until it has come there again.
    """
    missed = list(islice(_back(spec.line, zone, until, now), MOST))[::-1]
    upcoming = next(_on(spec.line, zone, max(until, now)), None)
    if not missed:
        return Due(until=until, next=upcoming)
    fires = _chosen(spec, missed, now)
    return Due(tuple(fires), missed[-1], len(missed) - len(fires), upcoming)


def _chosen(spec: ScheduleSpec, missed: list[float], now: float) -> list[float]:
    """Those that are on time, and what the policy makes of the others."""
    alive = [at for at in missed if not spec.expires or now < at + spec.expires]
    on_time = [at for at in alive if now - at <= spec.grace]
    match spec.misfire:
        case Misfire.SKIP:
            return on_time
        case Misfire.ONCE:
            return on_time or alive[-1:]
        case Misfire.ALL:
            return alive


def moment(wall: datetime, zone: Zone) -> float:
    """When a clock of that zone shows this time first; where it never does, when it goes on after it."""
    early, late = (wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if early <= late:
        return early
    low, high = floor(late), floor(early)  # a gap: before it lies what fold=1 says, behind it what fold=0 does
    shift = _offset(high, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(middle, zone) == shift else (middle, high)
    return float(high)


def _offset(at: int, zone: Zone) -> float:
    """Seconds by which the clock of the zone is ahead of UTC then."""
    shown = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    return (shown - datetime(1970, 1, 1)).total_seconds() - at  # noqa: DTZ001 - what a clock shows has no zone


def _walls(line: str, start: datetime, *, back: bool = False) -> Iterator[datetime]:
    from cronsim import CronSim  # noqa: PLC0415 - memory of every daemon, and few have a schedule

    return CronSim(line, start, reverse=back)


def _back(line: str, zone: Zone, until: float, now: float) -> Iterator[float]:
    """The moments from now back to (and without) `until`, latest first."""
    if now <= until:
        return
    shown = datetime.fromtimestamp(floor(now), zone)
    start = shown.replace(tzinfo=None, fold=0) + (_OVERLAP if shown.fold else timedelta(seconds=1))
    latest = None
    for wall in _walls(line, start, back=True):
        at = moment(wall, zone)
        if at <= until:
            return
        if at <= now and at != latest:
            latest = at
            yield at


def _on(line: str, zone: Zone, after: float) -> Iterator[float]:
    """The moments after that one."""
    for wall in _walls(line, datetime.fromtimestamp(floor(after), zone).replace(tzinfo=None, fold=0)):
        at = moment(wall, zone)
        if at > after:
            yield at
