"""What else the journal keeps: the conversation, the cursor in its transcript, causes, and the ledger for people."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from ccmux.model.ids import Generation, MessageId, Nonce

_NONE: Final = Generation("")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Which conversation the instance holds, and how far its transcript has been turned into answers."""

    session_id: str = ""
    transcript: str = ""
    """path, as Claude's hooks tell it; empty before the first turn"""
    cursor: int = 0
    """bytes of the transcript that need not be read again"""
    spoken: bool = False
    """a prompt was seen in it: if it is gone, a person must be told"""
    generation: Generation = _NONE
    """the pane life in which the message in flight was typed"""
    stashed: Generation = _NONE
    """the pane life in which a person's draft was set aside for a message, and is still to be put back"""


_FIELDS = ("session_id", "transcript", "cursor", "spoken", "generation", "stashed")


def get(db: sqlite3.Connection, key: str, default: str = "") -> str:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return default if row is None else str(row[0])


def put(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def conversation(db: sqlite3.Connection) -> Conversation:
    return Conversation(
        get(db, "session_id"),
        get(db, "transcript"),
        int(get(db, "cursor", "0")),
        get(db, "spoken") == str(True),
        Generation(get(db, "generation")),
        Generation(get(db, "stashed")),
    )


def save_conversation(db: sqlite3.Connection, value: Conversation) -> None:
    for field in _FIELDS:
        put(db, field, str(getattr(value, field)))


def remember_cause(db: sqlite3.Connection, prompt_id: str, message_id: MessageId) -> None:
    db.execute("INSERT OR REPLACE INTO causes (prompt_id, message_id) VALUES (?, ?)", (prompt_id, message_id))


def forget_cause(db: sqlite3.Connection, prompt_id: str) -> None:
    """The turn has ended; its Stop hook, should it be read again, belongs to nobody."""
    db.execute("DELETE FROM causes WHERE prompt_id = ?", (prompt_id,))


def remember_tasks(db: sqlite3.Connection, tasks: tuple[str, ...], message_id: MessageId) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO tasks (task_id, message_id) VALUES (?, ?)", [(task, message_id) for task in tasks]
    )


def causes(db: sqlite3.Connection) -> dict[str, MessageId]:
    return {row[0]: MessageId(row[1]) for row in db.execute("SELECT prompt_id, message_id FROM causes")}


def tasks(db: sqlite3.Connection) -> dict[str, MessageId]:
    return {row[0]: MessageId(row[1]) for row in db.execute("SELECT task_id, message_id FROM tasks")}


def nonces(db: sqlite3.Connection) -> dict[Nonce, MessageId]:
    """The nonce of every attempt to type a message that has not ended, since a person asked for it to be tried again."""
    rows = db.execute(
        "SELECT ledger.detail, ledger.message_id FROM ledger JOIN inbox ON inbox.id = ledger.message_id"
        " WHERE ledger.event = 'pasting' AND inbox.state NOT IN ('done', 'rejected', 'dead')"
        " AND ledger.seq > coalesce((SELECT max(seq) FROM ledger AS past WHERE past.message_id = inbox.id"
        " AND past.event = 'retried'), 0)"
    )
    return {Nonce(row[0]): MessageId(row[1]) for row in rows if row[0]}


def note(db: sqlite3.Connection, at: float, message_id: str, event: str, detail: str = "") -> None:
    """One line of the append-only ledger."""
    db.execute(
        "INSERT INTO ledger (at, message_id, event, detail) VALUES (?, ?, ?, ?)", (at, message_id, event, detail)
    )
