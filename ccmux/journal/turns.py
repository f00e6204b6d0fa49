"""Why every turn of Claude began: for `ccmux history --turns`, and for whoever must ask the one who caused it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ccmux.model.turn import Cause


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt that became part of the conversation."""

    prompt_id: str
    at: float
    cause: Cause
    message_id: str
    """the message behind it; empty when there is none"""


def put(db: sqlite3.Connection, turn: Turn) -> None:
    """Remember a turn; one that is known stays as it is."""
    db.execute(
        "INSERT OR IGNORE INTO turns (prompt_id, at, cause, message_id) VALUES (?, ?, ?, ?)",
        (turn.prompt_id, turn.at, turn.cause, turn.message_id),
    )


def latest(db: sqlite3.Connection, limit: int) -> list[Turn]:
    """The latest turns, oldest first."""
    if not _there(db):
        return []
    rows = db.execute("SELECT * FROM turns ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
    return [_turn(row) for row in reversed(rows)]


def of(db: sqlite3.Connection, message_id: str) -> list[Turn]:
    """The turns that worked on a message, oldest first."""
    if not _there(db):
        return []
    rows = db.execute("SELECT * FROM turns WHERE message_id = ? ORDER BY seq", (message_id,))
    return [_turn(row) for row in rows]


def _there(db: sqlite3.Connection) -> bool:
    """Not in a journal that no daemon of this release has opened yet."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'turns'").fetchone() is not None


def _turn(row: sqlite3.Row) -> Turn:
    return Turn(row["prompt_id"], row["at"], Cause(row["cause"]), row["message_id"])
