"""One connection, one thread, group commit: everything that waits is committed together, with one fsync.

WAL and synchronous=FULL: a commit that was acknowledged survives kill -9 and power loss, as far as fsync is honest.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ccmux.errors import JournalError
from ccmux.journal.schema import MIGRATIONS

T = TypeVar("T")
_GROUP = 500
"""Units of work in one commit at most."""


def connect(path: Path) -> sqlite3.Connection:
    """Open (or make) a journal and bring it to the present schema. Fails on a newer one, and on a damaged file."""
    try:
        db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} cannot be opened: {error}", fix="ccmux doctor") from error
    try:
        _prepare(db, path)
    except sqlite3.Error as error:
        db.close()
        raise JournalError(f"the journal {path} cannot be opened: {error}", fix="ccmux doctor") from error
    except JournalError:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise JournalError(f"the journal {path} is damaged", fix=f"keep a copy of {path.parent}, then see ccmux doctor")
    _migrate(db, path)


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise JournalError(
            f"the journal {path} has schema {version}, this ccmux knows up to {len(MIGRATIONS)}",
            fix="use the newer ccmux that wrote it",
        )
    for number in range(version, len(MIGRATIONS)):
        db.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;")


class Database:
    """The writer thread. `run` is awaited from the loop; a failed unit of work takes no other with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = connect(path)
        self._work: queue.SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction; returns after the commit (with its fsync), or raises what it raised."""
        if not self._thread.is_alive():
            raise JournalError(f"the journal {self.path} is closed")
        done: asyncio.Future[T] = self._loop.create_future()
        self._work.put((work, done))
        return await done

    async def close(self) -> None:
        """Commit what is queued, then close. Doing it twice is harmless."""
        if self._thread.is_alive():
            self._work.put(None)
            await asyncio.to_thread(self._thread.join)
            self._db.close()

    def _write(self) -> None:
        while True:
            group = [self._work.get()]
            while len(group) < _GROUP:
                try:
                    group.append(self._work.get_nowait())
                except queue.Empty:
                    break
            work = [item for item in group if item is not None]
            if work:
                self._commit(work)
            if len(work) < len(group):
                return

    def _commit(self, group: list[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]]) -> None:
        results: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for work, done in group:
                results.append((done, *self._one(work)))
            self._db.execute("COMMIT")
        except (sqlite3.Error, JournalError) as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            failure = JournalError(f"the journal {self.path} cannot be written: {error}", fix="ccmux doctor")
            results = [(done, None, failure) for _, done in group]
        self._loop.call_soon_threadsafe(_settle, results)

    def _explained(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error):
            return error
        return JournalError(f"the journal {self.path} cannot be used: {error}", fix="ccmux doctor")

    def _one(self, work: Callable[[sqlite3.Connection], Any]) -> tuple[Any, BaseException | None]:
        self._db.execute("SAVEPOINT one")
        try:
            result = work(self._db)
        except Exception as error:
            if not self._db.in_transaction:
                raise JournalError("a unit of work ended the transaction of its group") from error
            self._db.execute("ROLLBACK TO one")
            self._db.execute("RELEASE one")
            return None, self._explained(error)
        self._db.execute("RELEASE one")
        return result, None


def _settle(results: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for done, result, error in results:
        if done.cancelled():
            continue
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)
