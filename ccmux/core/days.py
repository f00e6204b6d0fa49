"""Days in a time zone: where they begin, also where the clock is changed at midnight. No zone: the machine's."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

Zone = ZoneInfo | None


def zone_of(name: str) -> Zone:
    """The zone of a checked IANA name; empty: the machine's."""
    return ZoneInfo(name) if name else None


def day_of(at: float, zone: Zone) -> date:
    """The day in which that wall clock lies."""
    return datetime.fromtimestamp(at, zone).date()


def begins(day: date, zone: Zone) -> float:
    """The wall clock at which the day begins: its midnight, or the first moment after it where there is none."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    at = midnight.timestamp()
    return at if day_of(at, zone) >= day else midnight.replace(fold=1).timestamp()


def bounds(day: date, zone: Zone) -> tuple[float, float]:
    """Where the day begins, and where the next one does."""
    return begins(day, zone), begins(day + timedelta(days=1), zone)
