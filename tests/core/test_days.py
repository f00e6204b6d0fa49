"""Days have the bounds that the zone's clocks show, also where those are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.days import begins, bounds, day_of, zone_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",  # changed its clocks at midnight: days that begin at 01:00
    "America/Havana",  # sets them back at 01:00 to 00:00
    "Asia/Beirut",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Pacific/Apia",  # has had no 30 December 2011
    "Australia/Lord_Howe",
    "America/St_Johns",
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "day", "begin", "hours"),
    [
        ("UTC", "2026-11-21", "2026-11-21T00:00", 24),
        ("Europe/Berlin", "2026-11-21", "2026-11-20T23:00", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", 25),
        ("Asia/Kathmandu", "2026-11-21", "2026-11-20T18:15", 24),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23),
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00", 25),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", 25),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),
    ],
)
def test_a_table_of_days(zone: str, day: str, begin: str, hours: int) -> None:
    found = bounds(date.fromisoformat(day), ZoneInfo(zone))
    assert found == (at(begin), at(begin) + hours * 3600)


MOMENTS = st.floats(at("1990-01-01"), at("2036-01-01")) | st.sampled_from(
    [begins(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo")) + step for step in (-3600, -0.001, 0, 0.001, 3600)]
)


@given(MOMENTS, st.sampled_from(ZONES))
def test_every_moment_lies_in_the_day_that_a_clock_shows(moment: float, name: str) -> None:
    zone = ZoneInfo(name)
    day = day_of(moment, zone)
    begin, end = bounds(day, zone)
    assert begin <= moment < end
    assert end == begins(day + timedelta(days=1), zone)
    assert 22 * 3600 <= end - begin <= 26 * 3600


def test_no_name_is_the_zone_of_the_machine() -> None:
    assert zone_of("") is None
    day = datetime.now().astimezone().date()
    begin, end = bounds(day, None)
    assert datetime.fromtimestamp(begin).date() == day  # noqa: DTZ006 - the machine's own clock is meant
    assert end - begin >= 22 * 3600
