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


def tell(db: sqlite3.Connection, turn: Turn) -> None:
    """The end of a task's turn was told to the message's channel."""
    put(db, turn)
    db.execute("UPDATE turns SET told = 1 WHERE prompt_id = ?", (turn.prompt_id,))


def others(db: sqlite3.Connection, limit: int) -> tuple[list[str], list[str]]:
    """Ids of the latest turns that no message began, oldest first; and of those among them whose end was told."""
    rows = db.execute(
        "SELECT prompt_id, told FROM turns WHERE cause IN (?, ?) ORDER BY seq DESC LIMIT ?",
        (Cause.TERMINAL, Cause.TASK, limit),
    ).fetchall()
    return [row[0] for row in reversed(rows)], [row[0] for row in reversed(rows) if row[1]]


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


def by_prompt(db: sqlite3.Connection, prompt_id: str) -> Turn | None:
    """The turn of a prompt."""
    row = db.execute("SELECT * FROM turns WHERE prompt_id = ?", (prompt_id,)).fetchone()
    return None if row is None else _turn(row)


def _there(db: sqlite3.Connection) -> bool:
    """Not in a journal that no daemon of this release has opened yet."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'turns'").fetchone() is not None


def _turn(row: sqlite3.Row) -> Turn:
    return Turn(row["prompt_id"], row["at"], Cause(row["cause"]), row["message_id"])
