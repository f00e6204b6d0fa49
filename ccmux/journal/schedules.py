"""How far each schedule has been dealt with, and what the latest briefing said."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from ccmux.journal import meta

_PREFIX: Final = "schedule "
_BRIEFED: Final = "briefed"


class Mark(msgspec.Struct, frozen=True):
    """Of one schedule."""

    timing: str
    """what it was reckoned by: with another line or zone it begins anew"""
    until: float
    """wall clock up to which everything is dealt with"""
    fired: float = 0.0
    """wall clock at which the latest one was due; 0: none yet"""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Mark).decode


def marks(db: sqlite3.Connection) -> dict[str, Mark]:
    """By the schedules' names."""
    rows = db.execute("SELECT key, value FROM meta WHERE substr(key, 1, ?) = ?", (len(_PREFIX), _PREFIX))
    return {row[0].removeprefix(_PREFIX): _decode(row[1]) for row in rows}


def put(db: sqlite3.Connection, name: str, mark: Mark) -> None:
    meta.put(db, _PREFIX + name, _encode(mark).decode())


def forget(db: sqlite3.Connection, name: str) -> None:
    """Should it come again it begins anew."""
    db.execute("DELETE FROM meta WHERE key = ?", (_PREFIX + name,))


def briefed(db: sqlite3.Connection) -> str:
    """What was kept of the latest briefing that was sent; empty: there was none."""
    return meta.get(db, _BRIEFED)


def put_briefed(db: sqlite3.Connection, kept: str) -> None:
    meta.put(db, _BRIEFED, kept)
