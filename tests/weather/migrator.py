"""Migrate a journal and be killed at the nth moment, for every n: `python -m tests.weather.migrator OLD WORK KIND`.

Each attempt is a process of its own, on a fresh copy of OLD at WORK, and ends by SIGKILL at the nth statement
(KIND is `statement`) or after n times forty steps of SQLite's machine (`steps`). Then the journal is opened as every daemon
does, and what stands in it is shown: one JSON line for each n, until an attempt lives to its end.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from ccmux.journal.connection import connect

_STEPS = 40


def contents(db: sqlite3.Connection) -> dict[str, Any]:
    """Everything that must come out the same however often it was begun."""
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {
        "version": db.execute("PRAGMA user_version").fetchone()[0],
        "check": db.execute("PRAGMA integrity_check").fetchone()[0],
        "schema": sorted(row[0] for row in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")),
        "rows": {table: [list(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY 1")] for table in tables},  # noqa: S608
    }


def _attempt(work: Path, kind: str, moment: int) -> bool:
    """Whether the attempt came to its end."""
    pid = os.fork()
    if not pid:
        _migrate(work, kind, moment)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    assert os.waitstatus_to_exitcode(status) == 0
    return True


def _migrate(work: Path, kind: str, moment: int) -> None:
    left, true_connect = moment, sqlite3.connect

    def step(*_: object) -> int:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def dying(*args: Any, **more: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = true_connect(*args, **more)
        if kind == "statement":
            db.set_trace_callback(step)
        else:
            db.set_progress_handler(step, _STEPS)
        return db

    sqlite3.connect = dying  # type: ignore[assignment]
    try:
        connect(work)
    except BaseException:  # noqa: BLE001 - the parent goes on
        os._exit(1)
    os._exit(0)


def main(old: Path, work: Path, kind: str) -> None:
    for moment in range(100_000):
        for file in work.parent.glob(f"{work.name}*"):
            file.unlink()
        work.write_bytes(old.read_bytes())
        lived = _attempt(work, kind, moment)
        with closing(connect(work)) as db:
            sys.stdout.write(json.dumps(contents(db)) + "\n")
        if lived:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
