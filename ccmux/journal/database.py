"""One connection, one thread, group commit: everything that waits is committed together, with one fsync.

When the disk is full, read-only or failing, what somebody answers for is refused at once (`run`); what the daemon itself must
remember before it goes on waits in its order until it can be written (`insist`).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, TypeVar

from ccmux.errors import DiskTrouble, JournalError
from ccmux.journal.connection import connect, explained
from ccmux.journal.schema import JOURNAL, Schema

log = logging.getLogger(__name__)

T = TypeVar("T")
_GROUP = 500
"""Units of work in one commit at most."""
_PAUSE = 0.5
"""Seconds between two attempts to write what must be written."""


class _How(Enum):
    WRITE = auto()
    INSIST = auto()
    READ = auto()


@dataclass(frozen=True, slots=True)
class _Unit:
    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]
    how: _How


_Result = tuple[asyncio.Future[Any], Any, BaseException | None]


class Database:
    """The writer thread. Awaited from the loop; a failed unit of work takes no other with it."""

    def __init__(self, path: Path, on_trouble: Callable[[], None] = lambda: None, schema: Schema = JOURNAL) -> None:
        self.path = path
        self.trouble = ""
        """why nothing can be written now, while something waits to be"""
        self._on_trouble = on_trouble
        self._insists = True
        self._db = connect(path, schema)
        self._work: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction; returns after the commit (with its fsync), or raises what it raised.

        DiskTrouble when the disk does not take it now: then nothing of it happened.
        """
        return await self._queue(work, _How.WRITE)

    async def insist(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Like `run`, and while the disk does not take it, again and again. What insists keeps its order."""
        return await self._queue(work, _How.INSIST)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work`, which writes nothing; also while nothing can be written."""
        return await self._queue(work, _How.READ)

    async def _queue(self, work: Callable[[sqlite3.Connection], T], how: _How) -> T:
        if not self._thread.is_alive():
            raise JournalError(f"the journal {self.path} is closed")
        done: asyncio.Future[T] = self._loop.create_future()
        self._work.put(_Unit(work, done, how))
        return await done

    def relent(self) -> None:
        """The daemon shall end: what cannot be written fails from now on."""
        self._insists = False

    async def close(self) -> None:
        """Commit what is queued, then close. Doing it twice is harmless."""
        if self._thread.is_alive():
            self.relent()
            self._work.put(None)
            await asyncio.to_thread(self._thread.join)
            self._db.close()

    # the writer thread

    def _write(self) -> None:
        held: list[_Unit] = []
        closing = False
        while not closing:
            group, closing = self._gather(held)
            results, held = self._commit(group)
            self._loop.call_soon_threadsafe(_settle, results)

    def _gather(self, held: list[_Unit]) -> tuple[list[_Unit], bool]:
        """What was held, then what has come; whether that is all there will ever be."""
        group: list[_Unit] = list(held)
        try:
            unit = self._work.get(timeout=_PAUSE if held else None)
            while unit is not None:
                group.append(unit)
                if len(group) >= _GROUP:
                    return group, False
                unit = self._work.get_nowait()
        except queue.Empty:
            return group, False
        return group, True

    def _commit(self, group: list[_Unit]) -> tuple[list[_Result], list[_Unit]]:
        """What came of each, and what is to be tried again."""
        writes = [unit for unit in group if unit.how is not _How.READ]
        held: list[_Unit] = []
        results: list[_Result] = []
        if writes:
            try:
                results = self._transaction(writes)
                self._tell("")
            except Exception as error:  # noqa: BLE001 - this thread must live: everybody waits for it
                self._roll_back()
                failure = self._explained(error)
                if self._insists and isinstance(failure, DiskTrouble):
                    held = [unit for unit in writes if unit.how is _How.INSIST]
                results = [(unit.done, None, failure) for unit in writes if unit not in held]
                self._tell(failure.what if held and isinstance(failure, JournalError) else "")
        results += [self._read(unit) for unit in group if unit.how is _How.READ]
        return results, held

    def _transaction(self, writes: list[_Unit]) -> list[_Result]:
        self._db.execute("BEGIN IMMEDIATE")
        results = [(unit.done, *self._one(unit)) for unit in writes]
        self._db.execute("COMMIT")
        return results

    def _one(self, unit: _Unit) -> tuple[Any, BaseException | None]:
        self._db.execute("SAVEPOINT one")
        try:
            result = unit.work(self._db)
        except Exception as error:
            failure = self._explained(error)
            disk = isinstance(failure, DiskTrouble) and (failure is not error or unit.how is _How.INSIST)
            if disk or not self._db.in_transaction:
                raise failure if disk else JournalError("a unit of work ended the transaction of its group") from error
            self._db.execute("ROLLBACK TO one")
            self._db.execute("RELEASE one")
            return None, failure
        self._db.execute("RELEASE one")
        return result, None

    def _read(self, unit: _Unit) -> _Result:
        try:
            return unit.done, unit.work(self._db), None
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the one who asked
            return unit.done, None, self._explained(error)

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.error("%s could not be rolled back: %s", self.path, error)  # noqa: TRY400 - the sentence says it all

    def _explained(self, error: Exception) -> Exception:
        if isinstance(error, StopIteration):
            return RuntimeError(f"a unit of work raised {error!r}")  # a future cannot hold it
        return explained(error, self.path, "written") if isinstance(error, sqlite3.Error | MemoryError) else error

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.error("%s: waiting until it can be", trouble) if trouble else log.info("%s is written again", self.path)
            self.trouble = trouble
            self._loop.call_soon_threadsafe(self._on_trouble)


def _settle(results: list[_Result]) -> None:
    for done, result, error in results:
        if done.cancelled():
            continue
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)
