"""What was used, in the journal: a row for each message and turn, so that what is read again is not counted again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from ccmux.core.days import Zone, bounds, day_of
from ccmux.core.usage import Fact, grown, seconds
from ccmux.model.usage import Active, Day, Spent, Tokens, Told


@dataclass(frozen=True, slots=True)
class Place:
    """How far a transcript was read, and the prompt of the turn that ran there; see `ccmux.core.usage.Reader`."""

    path: str
    offset: int = 0
    since: float = 0.0


def places(db: sqlite3.Connection) -> dict[str, Place]:
    return {row["path"]: Place(*row) for row in db.execute("SELECT path, offset, since FROM usage_files")}


def put(db: sqlite3.Connection, place: Place, facts: Iterable[Fact], *, ours: bool = True) -> None:
    """What was read up to there. `ours`: it counts; what was known as not ours stays so."""
    for fact in facts:
        match fact:
            case Spent(name, at, model, used):
                db.execute(
                    "INSERT INTO usage_messages VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at,"
                    " model = excluded.model, input = excluded.input, output = excluded.output,"
                    " cache_read = excluded.cache_read, cache_write = excluded.cache_write",
                    (name, at, model, used.input, used.output, used.cache_read, used.cache_write, ours),
                )
            case Active(name, began, ended):
                db.execute("INSERT OR IGNORE INTO usage_turns VALUES (?, ?, ?, ?)", (name, began, ended, ours))
    db.execute("INSERT OR REPLACE INTO usage_files VALUES (?, ?, ?)", (place.path, place.offset, place.since))


def forget_places(db: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Transcripts that are gone."""
    db.executemany("DELETE FROM usage_files WHERE path = ?", [(path,) for path in paths])


def tell(db: sqlite3.Connection, told: Told) -> None:
    """What Claude says that a conversation has cost. The same again adds nothing."""
    row = db.execute("SELECT session_id, at, total FROM usage_told WHERE session_id = ?", (told.session_id,)).fetchone()
    before = None if row is None else Told(*row)
    if before is not None and told.at <= before.at:
        return
    usd = grown(before, told)
    if usd:
        db.execute("INSERT INTO usage_cost (at, session_id, usd) VALUES (?, ?, ?)", (told.at, told.session_id, usd))
    db.execute("INSERT OR REPLACE INTO usage_told VALUES (?, ?, ?)", (told.session_id, told.at, told.total))


def day(db: sqlite3.Connection, of: date, zone: Zone) -> Day:
    """What was used in that day."""
    begin, end = bounds(of, zone)
    rows = db.execute(
        "SELECT model, sum(input), sum(output), sum(cache_read), sum(cache_write) FROM usage_messages"
        " WHERE at >= ? AND at < ? AND ours GROUP BY model ORDER BY model",
        (begin, end),
    )
    models = {row[0]: Tokens(*row[1:]) for row in rows}
    paid = db.execute("SELECT coalesce(sum(usd), 0.0) FROM usage_cost WHERE at >= ? AND at < ?", (begin, end))
    cost = paid.fetchone()[0]
    found = db.execute("SELECT id, began, ended FROM usage_turns WHERE ended > ? AND began < ? AND ours", (begin, end))
    turns = [Active(*row) for row in found]
    asked = db.execute(
        "SELECT id, created_at, decided_at FROM approvals WHERE decided_at > ? AND created_at < ?", (begin, end)
    )
    waits = [Active(*row) for row in asked]
    active = seconds([*turns, *waits], begin, end) - seconds(waits, begin, end)  # a wait for a person is no work
    return Day(of.isoformat(), models, cost, max(0.0, active) / 60, sum(begin < turn.ended <= end for turn in turns))


def latest_days(db: sqlite3.Connection, now: float, zone: Zone, count: int) -> list[Day]:
    """The latest days, this one the last. Nothing where no daemon of this release has opened the journal yet."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'usage_told'").fetchone() is None:
        return []
    today = day_of(now, zone)
    return [day(db, today - timedelta(days=back), zone) for back in reversed(range(count))]


def hours(db: sqlite3.Connection, now: float, zone: Zone) -> list[int]:
    """Tokens in every hour of the present day up to now. Nothing where no daemon of this release has opened the journal yet."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'usage_told'").fetchone() is None:
        return []
    begin, _ = bounds(day_of(now, zone), zone)
    rows = db.execute(
        "SELECT cast((at - ?) / 3600 AS INTEGER), sum(input + output + cache_read + cache_write) FROM usage_messages"
        " WHERE at >= ? AND at <= ? AND ours GROUP BY 1",
        (begin, begin, now),
    )
    found = dict(rows.fetchall())
    return [int(found.get(hour, 0)) for hour in range(int((now - begin) / 3600) + 1)]


def forget(db: sqlite3.Connection, before: float) -> None:
    """Forget what was used before that wall clock."""
    db.execute("DELETE FROM usage_messages WHERE at < ?", (before,))
    db.execute("DELETE FROM usage_turns WHERE ended < ?", (before,))
    db.execute("DELETE FROM usage_cost WHERE at < ?", (before,))
