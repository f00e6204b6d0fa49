"""A damaged journal is refused by name and left as it is; a migration that was killed at any moment is done again."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ccmux.journal import history
from ccmux.journal.connection import connect
from ccmux.journal.schema import MIGRATIONS
from tests.weather.migrator import contents
from tests.weather.sky import NAME, Sky

ROOT = Path(__file__).parents[2]
_PAGE = 4096


# a damaged file


def _garbage(content: bytes) -> bytes:
    return b"this is no database at all " * (len(content) // 27)


def _head(content: bytes) -> bytes:
    return b"\xff" * 100 + content[100:]


def _nulls(content: bytes) -> bytes:
    """The second half, as after a loss of power."""
    half = len(content) // 2
    return content[:half] + b"\0" * (len(content) - half)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2 + 77]


DAMAGES = (_garbage, _head, _nulls, _cut)


def _prints(sky: Sky) -> dict[str, str]:
    """What stands in the files of the journal; -shm is but an index, and an empty -wal is none."""
    files = [file for file in sky.paths.data.glob("journal.db*") if file.suffix != ".db-shm" and file.stat().st_size]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _refused(sky: Sky) -> None:
    journal = str(sky.paths.journal)
    before = _prints(sky)
    for verb in ("run", "start"):
        sky.rig.run(verb, NAME, code=1)
        assert journal in sky.rig.stderr
        assert "to mend it: " in sky.rig.stderr
        assert "Traceback" not in sky.rig.stderr
    (one,) = sky.rig.json("ls")["instances"]
    assert (one["state"], journal in one["reason"]) == ("stopped", True), one
    assert journal in "".join(sky.rig.run("status", NAME).split())
    assert _prints(sky) == before, "the files are as they were"


def test_a_damaged_journal_is_refused_and_left_alone(sky: Sky) -> None:
    sky.make()
    sky.start()
    for number in range(20):
        sky.send(f"{number} {'x' * 500}")
    sky.answered(*sky.sent)
    sky.rig.run("stop", NAME)
    whole = sky.paths.journal.read_bytes()
    assert len(whole) > _PAGE * 8
    for damage in DAMAGES:
        sky.paths.journal.write_bytes(damage(whole))
        _refused(sky)
    sky.paths.journal.write_bytes(whole)
    sky.rig.run("start", NAME)
    sky.all_once()


def test_a_damaged_journal_of_a_killed_daemon_is_left_alone_with_what_was_not_in_it_yet(sky: Sky) -> None:
    """Its newest transactions stand beside it, in the -wal: a refusal must not write them over the evidence."""
    sky.make()
    sky.start()
    sky.send("one")
    sky.answered("one")
    sky.rig.run("restart", NAME)
    sky.send("two")
    sky.answered("two")
    sky.kill_daemon()
    assert (sky.paths.data / "journal.db-wal").stat().st_size
    whole = sky.paths.journal.read_bytes()
    sky.paths.journal.write_bytes(_head(whole))
    _refused(sky)
    sky.paths.journal.write_bytes(whole)
    sky.rig.run("start", NAME)
    sky.all_once()


def test_a_page_that_only_a_check_finds(sky: Sky) -> None:
    """One page of rows, far from the head: SQLite would open it, and fail in the midst of the work."""
    sky.make()
    sky.start()
    for number in range(20):
        sky.send(f"{number} {'x' * 500}")
    sky.answered(*sky.sent)
    sky.rig.run("stop", NAME)
    whole = sky.paths.journal.read_bytes()
    at = whole.rindex(b"x" * 500) // _PAGE * _PAGE
    sky.paths.journal.write_bytes(whole[:at] + os.urandom(_PAGE) + whole[at + _PAGE :])
    _refused(sky)


# migrations


def _old(path: Path, version: int) -> None:
    """A journal as the ccmux of that schema left it, with rows in it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        for script in MIGRATIONS[:version]:
            db.executescript(script)
        db.execute(f"PRAGMA user_version = {version}")
        for number in range(40 if version else 0):
            state = ("received", "committed", "done", "rejected", "dead")[number % 5]
            db.execute(
                "INSERT INTO inbox (id, source_key, channel, sender, text, received_at, state, updated_at)"
                " VALUES (?, ?, 'local', 'me', ?, 1.5, ?, 2.5)",
                (f"m-{number:04d}", f"k-{number}", "ü" * number, state),
            )
            db.execute(
                "INSERT INTO outbox (id, reply_to, channel, text, created_at) VALUES (?, ?, 'local', 'answer', 3.5)",
                (f"r-{number:04d}", f"m-{number:04d}"),
            )
            db.execute("INSERT INTO ledger (at, message_id, event) VALUES (1.5, ?, 'received')", (f"m-{number:04d}",))
        if version:
            db.execute("INSERT INTO meta (key, value) VALUES ('session_id', 'the-conversation')")


@pytest.mark.parametrize("kind", ["statement", "steps"])
@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_a_migration_killed_at_any_moment_is_done_again(tmp_path: Path, version: int, kind: str) -> None:
    _old(tmp_path / "old.db", version)
    argv = [sys.executable, "-m", "tests.weather.migrator", str(tmp_path / "old.db"), str(tmp_path / "j.db"), kind]
    done = subprocess.run(argv, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    assert len(shown) > 5, "it was killed at more moments than that"
    assert len(set(shown)) == 1, "whenever it was killed, the same comes out"
    found = json.loads(shown[0])
    assert (found["version"], found["check"]) == (len(MIGRATIONS), "ok")
    assert [row[1] for row in found["rows"]["inbox"]] == [f"m-{number:04d}" for number in range(40 if version else 0)]
    with closing(connect(tmp_path / "new.db")) as new:
        assert found["schema"] == contents(new)["schema"]
    queue, session = history.summary(tmp_path / "j.db")
    assert (queue.waiting, queue.in_flight, queue.dead, session) == (
        (8, 8, 8, "the-conversation") if version else (0, 0, 0, "")
    )
