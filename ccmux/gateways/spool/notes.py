"""The small tables: cursors, drops, replies that are known, questions that were posted, and retention."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from ccmux.gateways.words import Heard

KEEP: Final = 30 * 86400.0
"""Seconds for which ended rows are kept: far longer than any service delivers again."""
_MOST_DROPS: Final = 5000


@dataclass(frozen=True, slots=True)
class Drop:
    """Something that went nowhere, and why."""

    at: float
    room: str
    sender: str
    sender_name: str
    reason: str


def drop(db: sqlite3.Connection, heard: Heard, reason: str, now: float) -> None:
    """Write down that it went nowhere. No text is kept."""
    db.execute(
        "INSERT OR IGNORE INTO drops (key, at, room, sender, sender_name, reason) VALUES (?, ?, ?, ?, ?, ?)",
        (heard.key, now, heard.place.room, heard.sender.id, heard.sender.name[:80], reason),
    )


def drops(db: sqlite3.Connection, since: float, limit: int = 200) -> list[Drop]:
    """The latest, newest first."""
    rows = db.execute("SELECT * FROM drops WHERE at >= ? ORDER BY seq DESC LIMIT ?", (since, limit))
    return [Drop(row["at"], row["room"], row["sender"], row["sender_name"], row["reason"]) for row in rows]


def cursor(db: sqlite3.Connection, room: str) -> str:
    """Up to where the room was read back; empty: never."""
    row = db.execute("SELECT ord FROM cursors WHERE room = ?", (room,)).fetchone()
    return row[0] if row else ""


def read_back(db: sqlite3.Connection, room: str, ord_: str, now: float) -> None:
    """Everything up to there was put. Never goes back."""
    db.execute(
        "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT (room) DO UPDATE SET ord = max(ord, excluded.ord), at = excluded.at",
        (room, ord_, now),
    )


def heard_before(db: sqlite3.Connection, said: str, now: float) -> bool:
    """Whether that reply of an instance is known; from now on it is."""
    return db.execute("INSERT OR IGNORE INTO said VALUES (?, ?)", (said, now)).rowcount == 0


def asked(db: sqlite3.Connection, approval: str) -> tuple[str, str] | None:
    """The act that posted a question, and the state that it shows."""
    row = db.execute("SELECT act, state FROM asked WHERE approval = ?", (approval,)).fetchone()
    return (row[0], row[1]) if row else None


def ask(db: sqlite3.Connection, approval: str, act: str, state: str, now: float) -> None:
    db.execute("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?)", (approval, act, state, now))


def forget(db: sqlite3.Connection, now: float) -> None:
    """Forget what ended long ago."""
    before = now - KEEP
    db.execute("DELETE FROM heard WHERE received < ? AND state NOT IN ('kept', 'taken')", (before,))
    db.execute("DELETE FROM acts WHERE updated < ? AND state IN ('sent', 'dropped')", (before,))
    db.execute("DELETE FROM said WHERE at < ?", (before,))
    db.execute("DELETE FROM asked WHERE at < ? AND state != 'open'", (before,))
    db.execute("DELETE FROM drops WHERE at < ? OR seq <= (SELECT max(seq) FROM drops) - ?", (before, _MOST_DROPS))
    db.execute("DELETE FROM pairings WHERE at < ?", (now - 2 * 86400.0,))
