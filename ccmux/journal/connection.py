"""Opening a journal, and what its errors mean.

WAL and synchronous=FULL: a commit that was acknowledged survives kill -9 and power loss, as far as fsync is honest.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from ccmux.errors import DiskTrouble, JournalError
from ccmux.journal.schema import JOURNAL, Schema

_WEATHER: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
    }
)
"""What passes when the disk is well again; everything else will fail again."""
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY: Final = 0xFF
"""The part of an extended error code that names its kind."""


def connect(path: Path, schema: Schema = JOURNAL) -> sqlite3.Connection:
    """Open (or make) a journal and bring it to the present schema. Fails on a newer one, and on a damaged file."""
    _check(path, schema)
    try:
        db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    except sqlite3.Error as error:
        raise explained(error, path, "opened") from error
    try:
        _prepare(db, schema)
    except sqlite3.Error as error:
        db.close()
        raise explained(error, path, "opened") from error
    return db


def explained(error: sqlite3.Error | MemoryError, path: Path, what: str) -> JournalError:
    """The same error for a person: what cannot be done, why, and what mends it. DiskTrouble when it may pass."""
    if isinstance(error, MemoryError):
        return DiskTrouble(f"the journal {path} cannot be {what}: out of memory", fix="free -m")
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if kind in _DAMAGED:
        return _damaged(path, str(error))
    if kind in _WEATHER:
        return DiskTrouble(f"the journal {path} cannot be {what}: {error}", fix=f"make room: df {path.parent}")
    return JournalError(f"the journal {path} cannot be {what}: {error}", fix="ccmux doctor")


def _damaged(path: Path, how: str) -> JournalError:
    return JournalError(
        f"the journal {path} is damaged: {how}",
        fix=f"keep a copy of {path.parent}; then restore {path.name} from a backup, or move it away to begin a new one",
    )


def _check(path: Path, schema: Schema) -> None:
    """Look at it without writing: a journal that is damaged or too new stays as it is, its write-ahead log, too."""
    if not path.exists() or not path.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            version = db.execute("PRAGMA user_version").fetchone()[0]
            readable_from = db.execute("PRAGMA application_id").fetchone()[0] or version
    except sqlite3.Error as error:
        raise explained(error, path, "opened") from error
    if found != "ok":
        raise _damaged(path, str(found))
    if readable_from > len(schema.scripts):
        raise JournalError(
            f"the journal {path} has schema {version}, this ccmux knows up to {len(schema.scripts)}",
            fix="use the newer ccmux that wrote it",
        )


def _prepare(db: sqlite3.Connection, schema: Schema) -> None:
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    _migrate(db, schema)


def _migrate(db: sqlite3.Connection, schema: Schema) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    for number in range(version, len(schema.scripts)):
        readable_from = min(number + 1, schema.readable_from)
        marks = f"PRAGMA user_version = {number + 1}; PRAGMA application_id = {readable_from};"
        db.executescript(f"BEGIN IMMEDIATE; {schema.scripts[number]} {marks} COMMIT;")
