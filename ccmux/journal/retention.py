"""What the journal forgets: messages that ended long ago, with all that belongs to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Final

from ccmux.journal import meta, reports, usage
from ccmux.model.ids import MessageId

SLICE: Final = 200
"""Messages that are forgotten in one transaction: others wait for it."""
_OF_MESSAGE: Final = (
    ("outbox", "reply_to"),
    ("ledger", "message_id"),
    ("tasks", "message_id"),
    ("turns", "message_id"),
)


def forget(db: sqlite3.Connection, before: float) -> list[MessageId]:
    """Forget at most SLICE messages that were answered or rejected before that wall clock; which ones.

    A dead one stays until a person has dealt with it, and one whose reply nobody has taken until it is taken.
    """
    rows = db.execute(
        "SELECT id FROM inbox WHERE state IN ('done', 'rejected') AND updated_at < ? AND NOT EXISTS"
        " (SELECT 1 FROM outbox WHERE reply_to = inbox.id AND delivered_at IS NULL) ORDER BY updated_at LIMIT ?",
        (before, SLICE),
    ).fetchall()
    found = [MessageId(row[0]) for row in rows]
    ids = [(name,) for name in found]
    for table, column in _OF_MESSAGE:
        db.executemany(f"DELETE FROM {table} WHERE {column} = ?", ids)  # noqa: S608 - names of our own
    db.executemany("DELETE FROM inbox WHERE id = ?", ids)
    return found


def forget_the_rest(db: sqlite3.Connection, before: float) -> None:
    """Forget notices and turns of that time that belong to no message, and approvals. The audit stays."""
    db.execute("DELETE FROM outbox WHERE reply_to = '' AND delivered_at < ?", (before,))
    db.execute("DELETE FROM ledger WHERE message_id = '' AND at < ?", (before,))
    db.execute("DELETE FROM turns WHERE message_id = '' AND at < ?", (before,))
    db.execute("DELETE FROM approvals WHERE state != 'open' AND decided_at < ?", (before,))
    usage.forget(db, before)
    reports.forget(db, before)


def forget_grants(db: sqlite3.Connection, living: Collection[str]) -> None:
    """Forget what was granted for conversations that are none of these, nor the present one, nor asked in just now."""
    known = {row[0] for row in db.execute("SELECT DISTINCT session_id FROM grants")}
    present = {meta.get(db, "session_id")}
    present |= {row[0] for row in db.execute("SELECT session_id FROM approvals WHERE state = 'open'")}
    gone = known - present - set(living)
    db.executemany("DELETE FROM grants WHERE session_id = ?", [(name,) for name in gone])


def newest(db: sqlite3.Connection) -> float:
    """Wall clock of the latest change of a message; 0 when there is none."""
    return float(db.execute("SELECT coalesce(max(updated_at), 0) FROM inbox").fetchone()[0])


def known(db: sqlite3.Connection, ids: set[str]) -> set[str]:
    """Those of the ids that are messages of this journal."""
    return {name for name in ids if db.execute("SELECT 1 FROM inbox WHERE id = ?", (name,)).fetchone()}
