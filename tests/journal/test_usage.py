"""What was used is counted once, whatever is read again, and by the days of the instance's zone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ccmux.core.usage import Fact
from ccmux.journal import usage
from ccmux.journal.connection import connect
from ccmux.journal.history import usage_days
from ccmux.model.usage import Active, Day, Spent, Tokens, Told

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
FILE = usage.Place("projects/x/s.jsonl")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "j.db")) as made:
        yield made


def spent(name: str, at: float = 0.0, output: int = 5, model: str = "m") -> Spent:
    return Spent(name, MIDNIGHT + at, model, Tokens(1, output, 10, 100))


def days(db: sqlite3.Connection, zone: ZoneInfo = UTC_ZONE) -> tuple[Day, Day]:
    return usage.day(db, date(2026, 11, 21), zone), usage.day(db, date(2026, 11, 22), zone)


def test_a_message_counts_once_and_as_its_latest_row_says(db: sqlite3.Connection) -> None:
    facts: list[Fact] = [spent("a", output=1), spent("a", output=50), spent("b", 3, model="n")]
    for _ in range(3):
        usage.put(db, FILE, facts)
    usage.put(db, usage.Place("projects/x/forked.jsonl"), [spent("a", output=50)])
    today = days(db)[1]
    assert today.models == {"m": Tokens(1, 50, 10, 100), "n": Tokens(1, 5, 10, 100)}
    assert today.tokens == Tokens(2, 55, 20, 200)


def test_days_are_cut_in_the_zone(db: sqlite3.Connection) -> None:
    usage.put(db, FILE, [spent("before", -1), spent("after", 0), Active("t", MIDNIGHT - 30, MIDNIGHT + 60)])
    past, today = days(db)
    assert (past.tokens.output, past.minutes, past.turns) == (5, 0.5, 0)
    assert (today.tokens.output, today.minutes, today.turns) == (5, 1.0, 1)
    past, today = days(db, BERLIN)  # there it is one o'clock
    assert (past.tokens.output, today.tokens.output, today.minutes, today.turns) == (0, 10, 1.5, 1)


def test_hours_of_the_present_day_in_the_zone(db: sqlite3.Connection) -> None:
    usage.put(db, FILE, [spent("y", -1), spent("a", 0), spent("b", 3599), spent("c", 7200), spent("later", 9000)])
    usage.put(db, FILE, [spent("theirs", 10)], ours=False)
    assert usage.hours(db, MIDNIGHT + 7300, UTC_ZONE) == [232, 0, 116]
    assert usage.hours(db, MIDNIGHT + 10, BERLIN) == [116, 116]
    changed = datetime(2026, 10, 25, 22, 30, tzinfo=UTC).timestamp()  # that day has 25 hours there
    assert len(usage.hours(db, changed, BERLIN)) == 25


def test_hours_where_nothing_was_ever_counted(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        assert usage.hours(old, MIDNIGHT, UTC_ZONE) == []


def test_what_a_person_had_used_before_is_not_the_instances(db: sqlite3.Connection) -> None:
    mine: list[Fact] = [spent("theirs"), Active("t1", MIDNIGHT, MIDNIGHT + 60)]
    usage.put(db, FILE, mine, ours=False)
    usage.put(db, FILE, [*mine, spent("ours"), Active("t2", MIDNIGHT + 60, MIDNIGHT + 90)])
    today = days(db)[1]
    assert (today.tokens.output, today.minutes, today.turns) == (5, 0.5, 1)


def test_the_cost_goes_to_the_day_in_which_it_was_told(db: sqlite3.Connection) -> None:
    told = [Told("s", MIDNIGHT - 20, 0.0), Told("s", MIDNIGHT - 10, 0.5), Told("s", MIDNIGHT + 10, 0.75)]
    for one in (*told, *told, Told("other", MIDNIGHT + 5, 9.0), Told("other", MIDNIGHT + 6, 9.25)):
        usage.tell(db, one)
    past, today = days(db)
    assert (past.cost, today.cost) == (0.5, 0.5)


def test_a_wait_for_a_person_is_no_work(db: sqlite3.Connection) -> None:
    usage.put(db, FILE, [Active("t", MIDNIGHT, MIDNIGHT + 600)])
    columns = "id, code, kind, tool, input, cwd, prompt_id, key, session_id, message_id, channel, sender, created_at"
    for name, begin, end in (("x", 60, 360), ("y", 300, 420), ("z", 700, 900)):
        db.execute(
            f"INSERT INTO approvals ({columns}, expires_at, state, decided_at)"  # noqa: S608 - names of our own
            " VALUES (?, '', 'tool', '', '{}', '', '', ?, '', '', '', '', ?, 0, 'allowed', ?)",
            (name, name, MIDNIGHT + begin, MIDNIGHT + end),
        )
    assert days(db)[1].minutes == 4.0


def test_a_place_is_kept(db: sqlite3.Connection) -> None:
    usage.put(db, usage.Place("a", 5, 1.5), [])
    usage.put(db, usage.Place("a", 9, 0.0), [])
    assert usage.places(db) == {"a": usage.Place("a", 9, 0.0)}


def test_what_is_old_is_forgotten(db: sqlite3.Connection) -> None:
    usage.put(db, FILE, [spent("old", -99), spent("new", 99), Active("t", MIDNIGHT - 99, MIDNIGHT - 98)])
    for at, total in ((-99, 0.0), (-98, 1.0), (5, 3.0)):
        usage.tell(db, Told("s", MIDNIGHT + at, total))
    usage.forget(db, MIDNIGHT)
    past, today = days(db)
    assert past == Day("2026-11-21")
    assert (today.tokens.output, today.cost) == (5, 2.0)
    usage.tell(db, Told("s", MIDNIGHT + 6, 4.0))
    assert days(db)[1].cost == 3.0


def test_the_latest_days_also_of_a_journal_that_knows_of_none(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "j.db")) as db:
        usage.put(db, FILE, [spent("a")])
    found = usage_days(tmp_path / "j.db", MIDNIGHT + 5, UTC_ZONE, 3)
    assert [(day.day, day.tokens.output) for day in found] == [("2026-11-20", 0), ("2026-11-21", 0), ("2026-11-22", 5)]
    assert usage_days(tmp_path / "none.db", MIDNIGHT, UTC_ZONE, 3) == []
    with closing(sqlite3.connect(tmp_path / "old.db")) as db:
        db.execute("CREATE TABLE meta (key TEXT)")
    assert usage_days(tmp_path / "old.db", MIDNIGHT, UTC_ZONE, 3) == []
