"""The journal as a person reads it, also while no daemon runs. Never writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ccmux.errors import JournalError
from ccmux.journal import inbox, outbox
from ccmux.model.message import Message, Reply


@dataclass(frozen=True, slots=True)
class Exchange:
    """A message and every reply to it."""

    message: Message
    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """How many messages wait, are in flight, and are dead."""

    waiting: int = 0
    in_flight: int = 0
    dead: int = 0


def _begun(path: Path) -> bool:
    """Whether there is anything in it: a daemon killed at its first start leaves an empty file."""
    return path.exists() and path.stat().st_size > 0


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)
    db.row_factory = sqlite3.Row
    return db


def exchanges(path: Path, limit: int) -> list[Exchange]:
    """The latest `limit` messages, oldest first."""
    if not _begun(path):
        return []
    try:
        with closing(_open(path)) as db:
            rows = db.execute("SELECT * FROM inbox ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
            return [_exchange(db, inbox.message_of(row)) for row in reversed(rows)]
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} cannot be read: {error}", fix="ccmux doctor") from error


def _exchange(db: sqlite3.Connection, message: Message) -> Exchange:
    rows = db.execute("SELECT * FROM outbox WHERE reply_to = ? ORDER BY seq", (message.id,))
    return Exchange(message, tuple(outbox.reply_of(row) for row in rows))


def summary(path: Path) -> tuple[Queue, str]:
    """The queue and the session id of an instance whose daemon does not run; zeros when it has no journal yet."""
    if not _begun(path):
        return Queue(), ""
    try:
        with closing(_open(path)) as db:
            counts = dict(db.execute("SELECT state, count(*) FROM inbox GROUP BY state").fetchall())
            row = db.execute("SELECT value FROM meta WHERE key = 'session_id'").fetchone()
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} cannot be read: {error}", fix="ccmux doctor") from error
    dead = counts.pop("dead", 0)
    waiting = counts.get("received", 0) + counts.get("interrupted", 0)
    in_flight = sum(counts.get(state, 0) for state in ("pasting", "submitting", "accepted", "committed"))
    return Queue(waiting, in_flight, dead), row[0] if row else ""
