"""Codes with which a stranger is let in, at the terminal alone."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Final

from ccmux.errors import UsageError
from ccmux.gateways.words import Sender

_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH: Final = 8
_VALID: Final = 3600.0
"""Seconds."""
_PENDING: Final = 3
_TOLD: Final = 2
"""Times that one stranger is told."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """A stranger who asked to be let in."""

    code: str
    sender: str
    sender_name: str
    team: str
    at: float


def ask(db: sqlite3.Connection, sender: Sender, team: str, now: float) -> str:
    """The code to tell a stranger; empty when they are to hear nothing: told twice, or too many wait."""
    db.execute("DELETE FROM pairings WHERE at < ?", (now - _VALID,))
    row = db.execute("SELECT code, told FROM pairings WHERE sender = ? AND team = ?", (sender.id, team)).fetchone()
    if row is None:
        if db.execute("SELECT count(*) FROM pairings").fetchone()[0] >= _PENDING:
            return ""
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        db.execute("INSERT INTO pairings VALUES (?, ?, ?, ?, ?, 1)", (code, sender.id, sender.name[:80], team, now))
        return code
    if row["told"] >= _TOLD:
        return ""
    db.execute("UPDATE pairings SET told = told + 1 WHERE code = ?", (row["code"],))
    return str(row["code"])


def pending(db: sqlite3.Connection, now: float) -> list[Pairing]:
    rows = db.execute("SELECT * FROM pairings WHERE at >= ? ORDER BY at", (now - _VALID,))
    return [_pairing(row) for row in rows]


def approve(db: sqlite3.Connection, code: str, now: float) -> Pairing:
    """Who asked with that code; it is used up. Raises UsageError when there is none, or its hour is over."""
    row = db.execute(
        "DELETE FROM pairings WHERE code = ? AND at >= ? RETURNING *", (code.strip().upper(), now - _VALID)
    ).fetchone()
    if row is None:
        raise UsageError(
            f"nobody asked with the code {code[:20]!a}",
            fix="have them write to the app again: a code is valid for an hour",
        )
    return _pairing(row)


def _pairing(row: sqlite3.Row) -> Pairing:
    return Pairing(row["code"], row["sender"], row["sender_name"], row["team"], row["at"])
