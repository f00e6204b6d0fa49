"""Reports in the journal: of a project, those that wait to be sent; of the assistant, those that came."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ccmux.core.reporting import Held
from ccmux.journal import outbox
from ccmux.model.ids import REPORT, MessageId
from ccmux.model.message import MessageState, Reply

ABOUT: Final = "report"
_EVENT: Final = "report event"
"""Of one that no later report stands in for."""
_UNREAD: Final = 500
"""Reports that are kept for a reader who does not come."""


def is_report(about: str) -> bool:
    """Whether a row of the outbox is a report."""
    return about in (ABOUT, _EVENT)


# of a project


@dataclass(frozen=True, slots=True)
class Ended:
    """A directive that has ended, and was not reported yet."""

    message_id: str
    state: MessageState
    reason: str


def due(db: sqlite3.Connection) -> list[Ended]:
    rows = db.execute(
        "SELECT message_id, coalesce(state, 'done'), coalesce(reason, '') FROM reports_due"
        " LEFT JOIN inbox ON inbox.id = message_id ORDER BY inbox.seq"
    )
    return [Ended(row[0], MessageState(row[1]), row[2]) for row in rows]


def reported(db: sqlite3.Connection, ended: Iterable[Ended]) -> None:
    db.executemany("DELETE FROM reports_due WHERE message_id = ?", [(one.message_id,) for one in ended])


def hold(db: sqlite3.Connection, at: float, report: str, *, weighty: bool) -> None:
    db.execute("INSERT INTO reports_held (at, weighty, report) VALUES (?, ?, ?)", (at, weighty, report))


def held(db: sqlite3.Connection) -> list[Held]:
    """Oldest first."""
    return [Held(row[0], bool(row[1])) for row in db.execute("SELECT seq, weighty FROM reports_held ORDER BY seq")]


def send(db: sqlite3.Connection, seqs: Iterable[int], ids: Iterable[MessageId], at: float) -> None:
    """Put held reports into the outbox. What waits there unread makes room for what says as much, or too much."""
    db.execute("DELETE FROM outbox WHERE channel = ? AND about = ? AND delivered_at IS NULL", (REPORT, ABOUT))
    for seq, name in zip(seqs, ids, strict=True):
        row = db.execute("DELETE FROM reports_held WHERE seq = ? RETURNING weighty, report", (seq,)).fetchone()
        about = _EVENT if row[0] else ABOUT
        outbox.put(db, Reply(name, MessageId(""), REPORT, row[1], about=about), at)
    db.execute(
        "DELETE FROM outbox WHERE channel = ? AND delivered_at IS NULL AND seq <= (SELECT seq FROM outbox WHERE channel = ?"
        " AND delivered_at IS NULL ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (REPORT, REPORT, _UNREAD),
    )


def drop(db: sqlite3.Connection, seqs: Iterable[int]) -> None:
    db.executemany("DELETE FROM reports_held WHERE seq = ?", [(seq,) for seq in seqs])


def last_interaction(db: sqlite3.Connection) -> float:
    """Wall clock of the latest message, or prompt of a person; 0 when there was none."""
    message = db.execute("SELECT received_at FROM inbox ORDER BY seq DESC LIMIT 1").fetchone()
    prompt = db.execute(
        "SELECT at FROM turns WHERE cause IN ('message', 'terminal') ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return max((float(row[0]) for row in (message, prompt) if row is not None), default=0.0)


# of the assistant


@dataclass(frozen=True, slots=True)
class Received:
    """A report as it came, gated."""

    seq: int
    project: str
    verified: bool
    """the wire says who sent it; else it was written by hand"""
    received: float
    """wall clock"""
    report: str


def take(db: sqlite3.Connection, key: str | None, project: str, at: float, report: str, *, verified: bool) -> bool:
    """Keep it, once for a key; whether it is new."""
    done = db.execute(
        "INSERT OR IGNORE INTO reports (key, project, verified, received, report) VALUES (?, ?, ?, ?, ?)",
        (key, project, verified, at, report),
    )
    return bool(done.rowcount)


def since(db: sqlite3.Connection, seq: int, limit: int) -> list[Received]:
    """Those after that one, oldest first."""
    return [
        _received(row) for row in db.execute("SELECT * FROM reports WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    ]


def latest(db: sqlite3.Connection) -> list[Received]:
    """The latest of every project: of one that the wire knows, the latest that came by it."""
    rows = db.execute(
        "SELECT * FROM reports WHERE seq IN (SELECT max(seq) FROM reports GROUP BY project, verified) ORDER BY project, verified"
    )
    return list({row["project"]: _received(row) for row in rows}.values())


def latest_of(db: sqlite3.Connection, project: str, limit: int) -> list[Received]:
    """Of one project, newest first."""
    rows = db.execute("SELECT * FROM reports WHERE project = ? ORDER BY seq DESC LIMIT ?", (project, limit))
    return [_received(row) for row in rows]


def forget(db: sqlite3.Connection, before: float) -> None:
    """Forget what came before that wall clock, but the latest of every project."""
    db.execute(
        "DELETE FROM reports WHERE received < ? AND seq NOT IN (SELECT max(seq) FROM reports GROUP BY project, verified)",
        (before,),
    )


def _received(row: sqlite3.Row) -> Received:
    return Received(row["seq"], row["project"], bool(row["verified"]), row["received"], row["report"])
