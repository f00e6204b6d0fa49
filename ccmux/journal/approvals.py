"""Approvals in the journal: asked once for a key, decided once; and the audit, which is only ever added to."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from ccmux.model.approval import Approval, ApprovalState, Asked, Cause, Kind
from ccmux.model.ids import ChannelName, MessageId

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Audited:
    """One line of the audit."""

    at: float
    who: str
    what: str
    subject: str
    detail: str


def put(db: sqlite3.Connection, approval: Approval) -> Approval:
    """Ask. The same key again gives the approval that there is."""
    known = db.execute("SELECT * FROM approvals WHERE key = ?", (approval.asked.key,)).fetchone()
    if known is not None:
        return _approval(known)
    asked, cause = approval.asked, approval.cause
    db.execute(
        "INSERT INTO approvals (id, code, kind, tool, input, cwd, prompt_id, key, session_id, message_id, channel, sender,"
        " created_at, expires_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            approval.id,
            approval.code,
            asked.kind,
            asked.tool,
            _encode(asked.input).decode(),
            asked.cwd,
            asked.prompt_id,
            asked.key,
            asked.session_id,
            cause.message_id,
            cause.channel,
            cause.sender,
            approval.created_at,
            approval.expires_at,
            approval.state,
        ),
    )
    return approval


def decide(db: sqlite3.Connection, approval: Approval, at: float) -> bool:
    """End it as the value says, and note it; False (and nothing changed) when it had ended before."""
    changed = db.execute(
        "UPDATE approvals SET state = ?, decided_by = ?, reason = ?, answers = ?, decided_at = ? WHERE id = ? AND state = 'open'",
        (approval.state, approval.decided_by, approval.reason, _encode(approval.answers).decode(), at, approval.id),
    ).rowcount
    if changed:
        note(db, Audited(at, approval.decided_by, str(approval.state), approval.id, approval.reason))
    return bool(changed)


def grant(db: sqlite3.Connection, approval: Approval, what: str, at: float) -> None:
    """Allow the like of it for the rest of its conversation."""
    db.execute("INSERT OR IGNORE INTO grants (session_id, what) VALUES (?, ?)", (approval.asked.session_id, what))
    note(db, Audited(at, approval.decided_by, "granted-for-session", approval.id, what))


def grants(db: sqlite3.Connection, session_id: str) -> frozenset[str]:
    rows = db.execute("SELECT what FROM grants WHERE session_id = ?", (session_id,))
    return frozenset(row[0] for row in rows)


def note(db: sqlite3.Connection, line: Audited) -> None:
    """Add to the audit."""
    db.execute(
        "INSERT INTO audit (at, who, what, subject, detail) VALUES (?, ?, ?, ?, ?)",
        (line.at, line.who, line.what, line.subject, line.detail),
    )


def find(db: sqlite3.Connection, name: str) -> Approval | None:
    """By its id, or by the code of one that is open, else of the latest."""
    row = db.execute(
        "SELECT * FROM approvals WHERE id = ? OR code = ? ORDER BY state = 'open' DESC, seq DESC LIMIT 1",
        (name, name.lower()),
    ).fetchone()
    return None if row is None else _approval(row)


def open_ones(db: sqlite3.Connection) -> list[Approval]:
    """Those that wait, oldest first."""
    return [_approval(row) for row in db.execute("SELECT * FROM approvals WHERE state = 'open' ORDER BY seq")]


def latest(db: sqlite3.Connection, limit: int) -> list[Approval]:
    """The latest, oldest first, whatever became of them."""
    rows = db.execute("SELECT * FROM approvals ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
    return [_approval(row) for row in reversed(rows)]


def audit(db: sqlite3.Connection, limit: int) -> list[Audited]:
    """The latest lines, oldest first."""
    rows = db.execute("SELECT at, who, what, subject, detail FROM audit ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
    return [Audited(*row) for row in reversed(rows)]


def _approval(row: sqlite3.Row) -> Approval:
    asked = Asked(
        Kind(row["kind"]),
        row["tool"],
        _decode(row["input"]),
        row["cwd"],
        row["prompt_id"],
        row["key"],
        row["session_id"],
    )
    cause = Cause(MessageId(row["message_id"]), ChannelName(row["channel"]), row["sender"])
    return Approval(
        row["id"],
        row["code"],
        asked,
        cause,
        row["created_at"],
        row["expires_at"],
        ApprovalState(row["state"]),
        row["decided_by"],
        row["reason"],
        tuple(_decode(row["answers"])),
    )
