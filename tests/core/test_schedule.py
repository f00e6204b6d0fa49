"""When a schedule is due: across changes of the clock, steps back, and times that were missed. Nothing is said twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmux.core.schedule import MOST, dealt_with, due, moment
from ccmux.model.instance import Misfire, ScheduleSpec

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600.0, 86400.0
lines = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["0", "30", "*/15", "*", "59", "1,31"]),
    st.sampled_from(["*", "2", "1-3", "0", "23", "8", "*/6"]),
    st.sampled_from(["*", "*", "1", "L", "29-31"]),
    st.sampled_from(["*", "*", "3,4,10,11"]),
    st.sampled_from(["*", "*", "sun", "1-5"]),
)
near_changes = st.builds(
    lambda begin, hours: begin + hours * HOUR,
    st.sampled_from(
        [
            datetime(2026, 3, 29, tzinfo=BERLIN).timestamp(),
            datetime(2026, 10, 25, tzinfo=BERLIN).timestamp(),
            datetime(2026, 3, 8, tzinfo=ZoneInfo("America/New_York")).timestamp(),
            datetime(2026, 11, 1, tzinfo=ZoneInfo("America/New_York")).timestamp(),
            datetime(2026, 4, 5, tzinfo=ZoneInfo("Australia/Lord_Howe")).timestamp(),
            datetime(2026, 10, 4, tzinfo=ZoneInfo("Australia/Lord_Howe")).timestamp(),
        ]
    ),
    st.floats(-30, 30),
)


def spec(line: str, misfire: Misfire = Misfire.ALL, grace: float = 60.0, expires: float = 0.0) -> ScheduleSpec:
    return ScheduleSpec(cron=line, text="x", misfire=misfire, grace=grace, expires=expires)


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    """A time as a clock shows it, with its offset where it is shown twice."""
    shown = datetime.fromisoformat(text)
    return (shown if shown.tzinfo else shown.replace(tzinfo=zone)).timestamp()


def shown(moments: list[float], zone: ZoneInfo) -> list[str]:
    return [datetime.fromtimestamp(one, zone).isoformat(" ", "minutes") for one in moments]


def awake(one: ScheduleSpec, zone: ZoneInfo, begin: float, end: float) -> list[float]:
    """What fires when somebody looks exactly when told to."""
    fired: list[float] = []
    until = now = begin
    while True:
        found = due(one, zone, until, now)
        fired += found.fires
        until = found.until
        if found.next is None or found.next > end:
            return fired
        assert found.next > now
        now = found.next


@pytest.mark.parametrize(
    ("zone", "line", "begin", "days", "fires"),
    [
        ("Europe/Berlin", "30 2 * * *", "2026-03-28", 3, ["28 02:30+01:00", "29 03:00+02:00", "30 02:30+02:00"]),
        ("Europe/Berlin", "30 2 * * *", "2026-10-24", 3, ["24 02:30+02:00", "25 02:30+02:00", "26 02:30+01:00"]),
        ("Europe/Berlin", "0 8 * * *", "2026-10-24", 2, ["24 08:00+02:00", "25 08:00+01:00"]),
        ("Europe/Berlin", "0 3 * * *", "2026-03-29", 1, ["29 03:00+02:00"]),
        ("Europe/Berlin", "*/30 1-3 * * *", "2026-03-29", 1,
         ["29 01:00+01:00", "29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00"]),
        ("Europe/Berlin", "0 1-3 * * *", "2026-10-25", 1, ["25 01:00+02:00", "25 02:00+02:00", "25 03:00+01:00"]),
        ("America/New_York", "30 2 * * *", "2026-03-08", 2, ["08 03:00-04:00", "09 02:30-04:00"]),
        ("America/New_York", "30 1 * * *", "2026-11-01", 2, ["01 01:30-04:00", "02 01:30-05:00"]),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-04", 2, ["04 02:30+11:00", "05 02:15+11:00"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-05", 2, ["05 01:45+11:00", "06 01:45+10:30"]),
        ("Asia/Kolkata", "30 2 * * 1-5", "2026-03-27", 4, ["27 02:30+05:30", "30 02:30+05:30"]),
        ("Pacific/Apia", "0 8 * * *", "2011-12-29", 2, ["29 08:00-10:00", "31 00:00+14:00", "31 08:00+14:00"]),
    ],
)  # fmt: skip
def test_changes_of_the_clock(zone: str, line: str, begin: str, days: int, fires: list[str]) -> None:
    tz = ZoneInfo(zone)
    start = datetime.fromisoformat(begin)
    end = (start + timedelta(days=days)).replace(tzinfo=tz).timestamp()
    if zone == "Pacific/Apia":
        end += DAY
    fired = awake(spec(line), tz, start.replace(tzinfo=tz).timestamp() - 1, end - 1)
    assert [one[8:] for one in shown(fired, tz)] == fires


def test_at_and_days_are_a_line() -> None:
    one = ScheduleSpec(at="08:05", days=("mon", "fri"), text="x")  # type: ignore[arg-type]
    fired = awake(one, BERLIN, at("2026-11-23 00:00"), at("2026-11-30 07:00"))
    assert shown(fired, BERLIN) == ["2026-11-23 08:05+01:00", "2026-11-27 08:05+01:00"]
    assert ScheduleSpec(at="00:00", text="x").line == "0 0 * * *"


def test_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other, also where its clock is changed."""
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        for day in ("2026-03-29", "2026-10-25"):
            begin = at(f"{day} 00:00")
            for line in ("30 2 * * *", "*/20 1-3 * * *"):
                found = due(spec(line), None, begin, begin + DAY)
                assert found == due(spec(line), BERLIN, begin, begin + DAY)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("misfire", "expires", "hours", "fires", "passed"),
    [
        ("skip", 0, 0.0, ["08:00"], 0),
        ("skip", 0, 0.01, ["08:00"], 0),
        ("skip", 0, 0.5, [], 1),
        ("skip", 0, 3.01, ["11:00"], 3),
        ("once", 0, 0.5, ["08:00"], 0),
        ("once", 0, 3.5, ["11:00"], 3),
        ("once", 0, 3.01, ["11:00"], 3),
        ("all", 0, 3.5, ["08:00", "09:00", "10:00", "11:00"], 0),
        ("once", 1000, 3.5, [], 4),
        ("all", 2 * HOUR, 3.5, ["10:00", "11:00"], 2),
    ],
)
def test_what_was_missed(misfire: str, expires: float, hours: float, fires: list[str], passed: int) -> None:
    """Nobody looked from 7:30 on; every hour something was due."""
    one = spec("0 8-20 * * *", Misfire(misfire), 60.0, expires)
    found = due(one, BERLIN, at("2026-11-23 07:30"), at("2026-11-23 08:00") + hours * HOUR)
    assert [text[11:16] for text in shown(list(found.fires), BERLIN)] == fires
    assert found.passed == passed
    assert found.until == at(f"2026-11-23 {8 + int(hours):02}:00")
    assert found.next == at(f"2026-11-23 {9 + int(hours):02}:00")


def test_years_are_missed_in_no_time_and_made_up_for_within_bounds() -> None:
    found = due(spec("* * * * *"), BERLIN, 0.0, at("2026-11-23 08:00"))
    assert len(found.fires) == MOST
    assert found.fires[-1] == found.until == at("2026-11-23 08:00")


def test_a_long_time_ago_in_the_hour_that_comes_twice() -> None:
    """At 2:10 for the second time, what was due at 2:45 the first time lies 25 minutes back."""
    now = at("2026-10-25 02:10+01:00")
    found = due(spec("45 2 * * *"), BERLIN, at("2026-10-25 01:00+02:00"), now)
    assert shown(list(found.fires), BERLIN) == ["2026-10-25 02:45+02:00"]
    assert found.next == at("2026-10-26 02:45")


def test_a_clock_that_is_set_back_waits_until_it_comes_there_again() -> None:
    one, fired = spec("0 8 * * *"), at("2026-11-23 08:00")
    for back in (60.0, HOUR, DAY, 400 * DAY):
        found = due(one, BERLIN, fired, fired - back)
        assert (found.fires, found.until, found.next) == ((), fired, at("2026-11-24 08:00"))


def test_a_clock_that_ran_ahead_while_nothing_was_said_holds_nothing_back() -> None:
    now, ahead = at("2026-11-23 07:00"), at("2036-11-23 08:00")
    assert due(spec("0 8 * * *"), BERLIN, dealt_with(ahead, 0.0, now), now).next == now + HOUR
    assert due(spec("0 8 * * *"), BERLIN, dealt_with(ahead, ahead, now), now).next == ahead + DAY


@settings(max_examples=150, deadline=None)
@given(lines, st.sampled_from(ZONES), near_changes, st.lists(st.floats(-3 * DAY, 3 * DAY), max_size=12))
def test_whatever_the_clock_does_nothing_fires_twice(line: str, zone: str, now: float, steps: list[float]) -> None:
    one, tz = spec(line, expires=HOUR), ZoneInfo(zone)
    until = now
    fired: list[float] = []
    for step in steps:
        now += step
        until = dealt_with(until, fired[-1] if fired else 0.0, now)
        found = due(one, tz, until, now)
        fired += found.fires
        assert all(until < fire <= now for fire in found.fires)
        assert found.until >= until
        assert found.next is None or found.next > max(until, now)
        until = found.until
    assert fired == sorted(set(fired))


@settings(max_examples=100, deadline=None)
@given(lines, st.sampled_from(ZONES), near_changes, st.lists(st.floats(1.0, 8 * HOUR), min_size=1, max_size=10))
def test_whoever_looks_later_sees_the_same(line: str, zone: str, begin: float, naps: list[float]) -> None:
    """Who looks exactly when told, and who looks when he likes, see the same times, but for more than MOST at once."""
    one, tz = spec(line), ZoneInfo(zone)
    now = until = begin
    fired: list[float] = []
    full = False
    for nap in naps:
        now += nap
        found = due(one, tz, until, now)
        full = full or len(found.fires) == MOST
        fired += found.fires
        until = found.until
    exact = awake(one, tz, begin, now)
    assert set(fired) <= set(exact)
    assert full or fired == exact


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2040-01-01")), st.sampled_from(ZONES))
def test_a_moment_shows_the_time_or_is_the_first_after_the_gap(wall: datetime, zone: str) -> None:
    tz = ZoneInfo(zone)
    wall = wall.replace(microsecond=0)
    found = moment(wall, tz)
    seen = datetime.fromtimestamp(found, tz)
    assert seen.fold == 0
    if seen.replace(tzinfo=None) != wall:
        before = datetime.fromtimestamp(found - 1, tz).replace(tzinfo=None)
        assert before < wall < seen.replace(tzinfo=None)
