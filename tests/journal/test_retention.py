"""What the journal forgets, and what it never does."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ccmux.daemon.housekeeping import Housekeeping
from ccmux.daemon.outgoing import Outgoing
from ccmux.journal import inbox, meta, outbox, turns
from ccmux.journal.database import Database
from ccmux.journal.history import latest_turns, trace
from ccmux.model.ids import LOCAL, ChannelName, MessageId
from ccmux.model.message import Message, MessageState, Reply
from ccmux.model.turn import Cause

DAY = 86_400.0
NOW = 1000 * DAY
OUTGOING = Outgoing(Path("/nonexistent/outgoing"), Path("/nonexistent"), 1000)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(tmp_path / "j.db")
    yield made
    await made.close()


async def had(db: Database, name: str, state: MessageState, days: float, *, delivered: bool = True) -> None:
    """A message that came to that state so many days ago, with a reply, a turn and its line in the ledger."""
    at, message = NOW - days * DAY, Message(MessageId(name), ChannelName("local"), "me", name, NOW - days * DAY)

    def work(raw: sqlite3.Connection) -> None:
        inbox.put(raw, message)
        inbox.save(raw, replace(message, state=state), at)
        meta.note(raw, at, name, str(state))
        turns.put(raw, turns.Turn(f"p-{name}", at, Cause.MESSAGE, name))
        if state.ended:
            outbox.put(raw, Reply(MessageId(f"r-{name}"), message.id, LOCAL, "answer"), at)
            if delivered:
                outbox.delivered(raw, f"r-{name}", at)

    await db.run(work)


def rows(path: Path) -> set[str]:
    return {turn.message_id for turn in latest_turns(path, 1000)}


async def test_what_ended_long_ago_goes_with_all_that_is_its_own(db: Database, tmp_path: Path) -> None:
    await had(db, "m-old", MessageState.DONE, 91)
    await had(db, "m-told", MessageState.REJECTED, 91)
    await had(db, "m-young", MessageState.DONE, 89)
    await had(db, "m-dead", MessageState.DEAD, 900)
    await had(db, "m-unread", MessageState.DONE, 900, delivered=False)
    await had(db, "m-waits", MessageState.RECEIVED, 900)
    await had(db, "m-new", MessageState.DONE, 0)
    keeper = Housekeeping(db, tmp_path / "inbox", 90, tmp_path, OUTGOING)
    assert await keeper.tidy(NOW) == 2
    assert await keeper.tidy(NOW) == 0
    assert rows(db.path) == {"m-young", "m-dead", "m-unread", "m-waits", "m-new"}
    assert trace(db.path, "m-old") is None
    count = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM ledger)"
    assert tuple(await db.read(lambda c: c.execute(count).fetchone())) == (4, 5)


async def test_many_are_forgotten_in_slices(db: Database, tmp_path: Path) -> None:
    for number in range(450):
        await had(db, f"m-{number}", MessageState.DONE, 100)
    await had(db, "m-new", MessageState.DONE, 0)
    assert await Housekeeping(db, tmp_path, 90, tmp_path, OUTGOING).tidy(NOW) == 450
    assert rows(db.path) == {"m-new"}


async def test_nothing_is_forgotten_when_that_is_not_wished(db: Database, tmp_path: Path) -> None:
    await had(db, "m-old", MessageState.DONE, 900)
    await had(db, "m-new", MessageState.DONE, 0)
    assert await Housekeeping(db, tmp_path, 0, tmp_path, OUTGOING).tidy(NOW) == 0


async def test_a_clock_that_was_set_forward_makes_nothing_old(db: Database, tmp_path: Path) -> None:
    await had(db, "m-1", MessageState.DONE, 10)
    await had(db, "m-2", MessageState.DONE, 0)
    assert await Housekeeping(db, tmp_path, 90, tmp_path, OUTGOING).tidy(NOW + 5000 * DAY) == 0


async def test_files_without_a_message_go_and_others_stay(db: Database, tmp_path: Path) -> None:
    await had(db, "m-known", MessageState.RECEIVED, 1)
    directory = tmp_path / "inbox"
    directory.mkdir()
    for name in ("m-known.txt", "m-known-1.png", "m-orphan.txt", "m-orphan-2.png", ".m-torn.txt.0a1b2c3d", "notes.txt"):
        (directory / name).write_text("x", encoding="utf-8")
        os.utime(directory / name, (time.time() - 7200, time.time() - 7200))
    (directory / "m-fresh.txt").write_text("its message is being journalled", encoding="utf-8")
    await Housekeeping(db, directory, 90, tmp_path, OUTGOING).tidy(time.time())
    assert sorted(path.name for path in directory.iterdir()) == [
        "m-fresh.txt",
        "m-known-1.png",
        "m-known.txt",
        "notes.txt",
    ]


async def test_what_was_granted_for_a_conversation_that_is_gone_goes(db: Database, tmp_path: Path) -> None:
    await had(db, "m-new", MessageState.DONE, 0)
    folder = tmp_path / "projects" / "x"
    folder.mkdir(parents=True)
    for name, days in (("fresh", 1), ("present", 200), ("forsaken", 200)):
        (folder / f"{name}.jsonl").touch()
        os.utime(folder / f"{name}.jsonl", (NOW - days * DAY, NOW - days * DAY))

    def work(raw: sqlite3.Connection) -> None:
        meta.put(raw, "session_id", "present")
        for name in ("fresh", "present", "forsaken", "vanished"):
            raw.execute("INSERT INTO grants VALUES (?, 'Bash(make)')", (name,))

    await db.run(work)
    await Housekeeping(db, tmp_path / "inbox", 90, tmp_path, OUTGOING).tidy(NOW)
    left = await db.read(lambda raw: {row[0] for row in raw.execute("SELECT session_id FROM grants")})
    assert left == {"fresh", "present"}
