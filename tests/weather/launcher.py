"""Be the daemon under another sky: `python -m tests.weather.launcher NAME` in place of `python -m ccmux run NAME`.

Nothing of ccmux is changed, only the world around it, by files in $CCMUX_WEATHER that are looked at again and again:

* `clock` holds the seconds by which the wall clock is off;
* `disk` is JSON, see `Fault`: from then on the journal's disk fails at one step of certain transactions;
* `full` holds nothing: while it is there, the journal may not grow by a page, and SQLite itself says SQLITE_FULL.

Every fault that struck is a line in `hits`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_ROLLED_BACK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM)
"""After these at a COMMIT, SQLite has undone the transaction itself."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong."""

    code: int = sqlite3.SQLITE_IOERR_WRITE
    step: str = "COMMIT"
    """the step of a transaction that fails: BEGIN, COMMIT, or (a statement that writes) WRITE"""
    skip: int = 0
    """transactions that are let pass before"""
    times: int = 1
    """transactions that fail then; 0: all"""

    def arm(self, weather: Path) -> None:
        """Have it strike the daemon under that sky; the hits of an earlier one are forgotten."""
        self.calm(weather)
        (weather / "hits").unlink(missing_ok=True)
        (weather / "disk.new").write_text(json.dumps(asdict(self)))
        (weather / "disk.new").rename(weather / "disk")

    @staticmethod
    def calm(weather: Path) -> None:
        (weather / "disk").unlink(missing_ok=True)

    @staticmethod
    def hits(weather: Path) -> int:
        found = weather / "hits"
        return len(found.read_text().splitlines()) if found.exists() else 0


class _Disk:
    """Counts the transactions since the fault was armed."""

    def __init__(self, weather: Path) -> None:
        self._weather = weather
        self._armed = 0
        self._fault = Fault()
        self._begun = 0
        self._struck = 0

    def step(self, db: sqlite3.Connection, sql: str) -> None:
        """Before the statement is run: perhaps fail in its place."""
        word = sql.split(maxsplit=1)[0].upper()
        if word == "BEGIN" and (self._weather / "disk").exists():
            self._look()
            self._begun += 1
        if self._armed and self._due() and self._is(word):
            self._struck = self._begun
            with (self._weather / "hits").open("a") as hits:
                hits.write(f"{self._begun} {sql[:60]!r}\n")
            if word == "COMMIT" and self._fault.code & 0xFF in _ROLLED_BACK:
                sqlite3.Connection.execute(db, "ROLLBACK")
            raise _error(self._fault.code)

    def _look(self) -> None:
        armed = (self._weather / "disk").stat().st_mtime_ns
        if armed != self._armed:
            self._armed, self._begun, self._struck = armed, 0, 0
            self._fault = Fault(**json.loads((self._weather / "disk").read_text()))

    def _due(self) -> bool:
        if not (self._weather / "disk").exists() or self._struck == self._begun:
            return False
        over = self._begun - self._fault.skip
        return over > 0 and (not self._fault.times or over <= self._fault.times)

    def _is(self, word: str) -> bool:
        wanted = self._fault.step
        return word == wanted or (wanted == "WRITE" and word in ("INSERT", "UPDATE", "DELETE"))


_SAYS = {
    sqlite3.SQLITE_FULL: "database or disk is full",
    sqlite3.SQLITE_IOERR: "disk I/O error",
    sqlite3.SQLITE_READONLY: "attempt to write a readonly database",
    sqlite3.SQLITE_CANTOPEN: "unable to open database file",
    sqlite3.SQLITE_BUSY: "database is locked",
}


def _error(code: int) -> Exception:
    """As the module sqlite3 raises it; for SQLITE_NOMEM that is no error of its own."""
    if code == sqlite3.SQLITE_NOMEM:
        return MemoryError()
    error = sqlite3.OperationalError(_SAYS[code & 0xFF])
    error.sqlite_errorcode = code
    error.sqlite_errorname = next(name for name in dir(sqlite3) if getattr(sqlite3, name) == code)
    return error


def _connections(weather: Path) -> type[sqlite3.Connection]:
    disk = _Disk(weather)

    class Connection(sqlite3.Connection):
        """The journal's."""

        full = False

        def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
            if sql.startswith("BEGIN"):
                self._room()
            disk.step(self, sql)
            return super().execute(sql, *more)

        def _room(self) -> None:
            full = (weather / "full").exists()
            if full != self.full:
                super().execute(f"PRAGMA max_page_count = {1 if full else 1 << 30}").fetchall()
                self.full = full

    return Connection


def main(name: str, weather: Path) -> None:
    """Put the sky up, then be the daemon."""
    clock = weather / "clock"
    true_time, true_ns, true_connect = time.time, time.time_ns, sqlite3.connect
    connections = _connections(weather)

    def off() -> float:
        try:
            return float(clock.read_text())
        except FileNotFoundError:
            return 0.0

    def connect(*args: Any, **more: Any) -> sqlite3.Connection:
        return true_connect(*args, factory=connections, **more)

    time.time = lambda: true_time() + off()
    time.time_ns = lambda: true_ns() + int(off() * 1e9)
    sqlite3.connect = connect  # type: ignore[assignment]

    from ccmux.daemon.run import run

    run(name)


if __name__ == "__main__":
    main(sys.argv[1], Path(os.environ["CCMUX_WEATHER"]))
