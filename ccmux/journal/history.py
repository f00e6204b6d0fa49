"""The journal as a person reads it, also while no daemon runs. Never writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ccmux.core.days import Zone
from ccmux.errors import JournalError
from ccmux.journal import approvals as asking
from ccmux.journal import inbox, outbox, turns, usage
from ccmux.journal import schedules as planned
from ccmux.journal.schedules import Mark
from ccmux.journal.turns import Turn
from ccmux.model.approval import Approval
from ccmux.model.ids import LOCAL, ChannelName
from ccmux.model.message import Message, Reply
from ccmux.model.usage import Day

T = TypeVar("T")


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


def waiting(path: Path) -> list[Message]:
    """The messages that have not ended, in the order in which they will be delivered."""
    return _read(path, inbox.unended)


def dead(path: Path) -> list[Message]:
    """The messages that were given up, oldest first."""
    return _read(path, inbox.given_up)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reply, and when its channel took it."""

    reply: Reply
    created_at: float
    delivered_at: float | None


def replies(path: Path, *, waiting_only: bool, limit: int) -> list[Delivery]:
    """The latest replies (no reports), oldest first; only those that nobody has taken, if asked for."""
    which = "WHERE channel != 'report'" + (" AND delivered_at IS NULL" if waiting_only else "")

    def work(db: sqlite3.Connection) -> list[Delivery]:
        rows = db.execute(f"SELECT * FROM outbox {which} ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()  # noqa: S608
        return [_delivery(row) for row in reversed(rows)]

    return _read(path, work)


def unsent(path: Path, channel: ChannelName) -> int:
    """How many replies, or reports, wait for the reader of a channel."""

    def work(db: sqlite3.Connection) -> list[int]:
        return [
            db.execute("SELECT count(*) FROM outbox WHERE channel = ? AND delivered_at IS NULL", (channel,)).fetchone()[
                0
            ]
        ]

    return sum(_read(path, work))


@dataclass(frozen=True, slots=True)
class Noted:
    """One line of the ledger: what happened, and its proof (a nonce, Claude's prompt id, a row's uuid, a reason)."""

    at: float
    event: str
    detail: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One message from its source to its replies."""

    message: Message
    source_key: str | None
    cause: str
    """who began it: person (`ccmux send`), channel (a line of a FIFO), link (an acknowledged peer)"""
    notes: tuple[Noted, ...]
    deliveries: tuple[Delivery, ...]
    turns: tuple[Turn, ...] = ()


def latest_turns(path: Path, limit: int) -> list[Turn]:
    """The latest turns of Claude, oldest first, and why each began."""
    return _read(path, lambda db: turns.latest(db, limit))


def usage_days(path: Path, now: float, zone: Zone, count: int) -> list[Day]:
    """What was used in the latest days, this one the last; nothing when nothing was ever counted."""
    return _read(path, lambda db: usage.latest_days(db, now, zone, count))


def schedules(path: Path) -> dict[str, Mark]:
    """How far each schedule has been dealt with."""
    return dict(_read(path, lambda db: list(planned.marks(db).items())))


def briefed(path: Path) -> str:
    """What was kept of the latest briefing that was sent."""
    return next(iter(_read(path, lambda db: [planned.briefed(db)])), "")


def usage_hours(path: Path, now: float, zone: Zone) -> list[int]:
    """Tokens in every hour of the present day; nothing when nothing was ever counted."""
    return _read(path, lambda db: usage.hours(db, now, zone))


def approvals(path: Path, *, everything: bool, limit: int) -> list[Approval]:
    """What Claude asks, oldest first: what is open, or everything."""
    return _asked(path, lambda db: asking.latest(db, limit) if everything else asking.open_ones(db))


def approval(path: Path, name: str) -> Approval | None:
    """By id or code."""
    return next(iter(_asked(path, lambda db: [one for one in [asking.find(db, name)] if one is not None])), None)


def audit(path: Path, limit: int) -> list[asking.Audited]:
    """Who decided what, oldest first."""
    return _asked(path, lambda db: asking.audit(db, limit))


def _asked(path: Path, work: Callable[[sqlite3.Connection], list[T]]) -> list[T]:
    """Nothing where no daemon of this release has opened the journal yet."""
    known = "SELECT 1 FROM sqlite_master WHERE name = 'approvals'"
    return _read(path, lambda db: work(db) if db.execute(known).fetchone() else [])


def trace(path: Path, message_id: str) -> Trace | None:
    """Everything that is known of a message; None when this journal has none of that id."""

    def work(db: sqlite3.Connection) -> list[Trace]:
        row = db.execute("SELECT * FROM inbox WHERE id = ?", (message_id,)).fetchone()
        if row is None:
            return []
        notes = db.execute("SELECT at, event, detail FROM ledger WHERE message_id = ? ORDER BY seq", (message_id,))
        out = db.execute("SELECT * FROM outbox WHERE reply_to = ? ORDER BY seq", (message_id,))
        key = row["source_key"]
        origin = str(key).partition(":")[0]
        cause = "person" if row["channel"] == LOCAL and not key else "channel"
        cause = origin if origin in ("link", "schedule") else cause
        worked = tuple(turns.of(db, message_id))
        found = tuple(Noted(one["at"], one["event"], one["detail"]) for one in notes)
        return [Trace(inbox.message_of(row), key, cause, found, tuple(_delivery(one) for one in out), worked)]

    return next(iter(_read(path, work)), None)


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(outbox.reply_of(row), row["created_at"], row["delivered_at"])


def _read(path: Path, work: Callable[[sqlite3.Connection], list[T]]) -> list[T]:
    if not _begun(path):
        return []
    try:
        with closing(_open(path)) as db:
            return work(db)
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} cannot be read: {error}", fix="ccmux doctor") from error


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
