"""Journals before a release that writes another schema: kept, and its migration tried on the copy first."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError, Locked
from ccmux.files import sync_directory
from ccmux.fleet import registry
from ccmux.locks import lock
from ccmux.paths import InstancePaths
from ccmux.upgrade.release import Release

_MIGRATES_WITHIN: Final = 600.0
_LOCKED_WITHIN: Final = 60.0


def keep(old: Release, new: Release) -> list[Path]:
    """Copy every journal whose schema the new release will change; the copies. An older copy is replaced."""
    kept = []
    for name in registry.names():
        paths = InstancePaths.of(name)
        if paths.journal.exists() and _schema(paths.journal) < new.schema:
            kept.append(_copy(paths, old))
    return kept


def try_out(copies: list[Path], new: Release) -> None:
    """Have the new release migrate a copy of each copy. Raises CcmuxError, and nothing was changed, when it cannot."""
    for copy in copies:
        trial = copy.with_suffix(".trial")
        try:
            trial.write_bytes(copy.read_bytes())
            trial.chmod(0o600)
            run = subprocess.run(
                [new.program, "migrate", trial], capture_output=True, text=True, check=False, timeout=_MIGRATES_WITHIN
            )
            if run.returncode:
                raise CcmuxError(
                    f"the new release cannot take over {copy}: {run.stderr.strip()[-1000:]}", fix="nothing was changed"
                )
        finally:
            for left in trial.parent.glob(f"{trial.name}*"):
                left.unlink()


def unreadable(paths: InstancePaths, old: Release) -> bool:
    """Whether the former release cannot read what the new one made of the journal."""
    return paths.journal.exists() and _readable_from(paths.journal) > old.schema


def restore(paths: InstancePaths, old: Release) -> None:
    """Put the copy back; no daemon can begin meanwhile.

    Raises CcmuxError, and leaves all as it is, when the new release has accepted anything since.
    """
    copy = paths.data / f"journal-before-{old.version}.db"
    with _without_daemon(paths):
        if not copy.exists() or _ledger(copy) != _ledger(paths.journal):
            raise CcmuxError(
                f"{paths.journal} can be read by the new release only, and was written to since {copy.name}",
                fix="ccmux upgrade to a newer release, when there is one that works",
            )
        with contextlib.closing(sqlite3.connect(paths.journal, timeout=30.0)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.execute("PRAGMA journal_mode = DELETE")  # no log is left beside it that would be taken for the copy's
        copy.replace(paths.journal)
        sync_directory(paths.data)


@contextlib.contextmanager
def _without_daemon(paths: InstancePaths) -> Iterator[None]:
    """A manager of services may start daemons all the time: hold their lock."""
    give_up = time.monotonic() + _LOCKED_WITHIN
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock(paths.lock))
                break
            except Locked:
                if time.monotonic() > give_up:
                    raise
        yield


def _copy(paths: InstancePaths, old: Release) -> Path:
    for older in paths.data.glob("journal-before-*.db"):
        older.unlink()
    copy = paths.data / f"journal-before-{old.version}.db"
    beside = copy.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(f"{paths.journal.as_uri()}?mode=ro", uri=True, timeout=30.0)) as source,
        contextlib.closing(sqlite3.connect(beside)) as target,
    ):
        source.backup(target)
    beside.chmod(0o600)
    beside.replace(copy)
    sync_directory(paths.data)
    return copy


def _schema(journal: Path) -> int:
    return _ask(journal, "PRAGMA user_version")


def _readable_from(journal: Path) -> int:
    return _ask(journal, "PRAGMA application_id") or _schema(journal)


def _ledger(journal: Path) -> int:
    """The newest line of the ledger: everything that is accepted or done leaves one."""
    return _ask(journal, "SELECT coalesce(max(seq), 0) FROM ledger")


def _ask(journal: Path, question: str) -> int:
    with contextlib.closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=30.0)) as db:
        return int(db.execute(question).fetchone()[0])
