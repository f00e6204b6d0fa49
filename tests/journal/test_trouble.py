"""A disk that takes nothing for a while: who can be told is told, what must be written waits in its order."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccmux.errors import DiskTrouble, JournalError
from ccmux.journal import inbox
from ccmux.journal.database import Database
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.message import Message

PATIENCE = 60.0


class Desk:
    """A journal whose disk can be made full: SQLite itself refuses to grow the file."""

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self.troubled = asyncio.Event()
        self.db = Database(path, self._tell)

    def _tell(self) -> None:
        self.told.append(self.db.trouble)
        self.troubled.set() if self.db.trouble else self.troubled.clear()

    async def full(self) -> None:
        pages = await self.db.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
        await self.db.read(lambda db: db.execute(f"PRAGMA max_page_count = {pages}"))

    async def well(self) -> None:
        await self.db.read(lambda db: db.execute("PRAGMA max_page_count = 1000000"))

    async def ids(self) -> list[str]:
        return [message.id for message in await self.db.read(inbox.unended)]

    async def held(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.troubled.wait()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path / "j.db")
    yield made
    await made.db.close()


def big(name: str) -> Callable[[sqlite3.Connection], MessageId]:
    message = Message(MessageId(name), ChannelName("local"), "me", "x" * 100_000, 1.5)
    return lambda db: inbox.put(db, message)


async def test_what_somebody_answers_for_is_refused_at_once_and_nothing_of_it_stays(desk: Desk) -> None:
    await desk.full()
    with pytest.raises(DiskTrouble, match=r"cannot be written: database or disk is full"):
        await desk.db.run(big("m-1"))
    assert await desk.ids() == []
    await desk.well()
    assert await desk.db.run(big("m-1")) == "m-1"


async def test_what_insists_waits_and_keeps_its_order_while_reading_goes_on(desk: Desk) -> None:
    await desk.full()
    waiting = [asyncio.create_task(desk.db.insist(big(f"m-{n}"))) for n in range(5)]
    await desk.held()
    with pytest.raises(DiskTrouble):
        await desk.db.run(big("m-refused"))
    waiting += [asyncio.create_task(desk.db.insist(big(f"m-{n}"))) for n in range(5, 10)]
    assert await desk.ids() == []
    await desk.well()
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*waiting) == [f"m-{n}" for n in range(10)]
    assert await desk.ids() == [f"m-{n}" for n in range(10)]
    assert desk.told[0].endswith("database or disk is full")
    assert (desk.told[-1], desk.db.trouble) == ("", "")


async def test_who_shall_end_does_not_wait(desk: Desk) -> None:
    await desk.full()
    waiting = asyncio.create_task(desk.db.insist(big("m-1")))
    await desk.held()
    desk.db.relent()
    with pytest.raises(DiskTrouble):
        async with asyncio.timeout(PATIENCE):
            await waiting


async def test_closing_settles_what_is_held(desk: Desk) -> None:
    await desk.full()
    waiting = asyncio.create_task(desk.db.insist(big("m-1")))
    await desk.held()
    await desk.db.close()
    with pytest.raises(DiskTrouble):
        async with asyncio.timeout(PATIENCE):
            await waiting


async def test_a_fault_that_will_not_pass_is_not_waited_for(desk: Desk) -> None:
    with pytest.raises(JournalError) as caught:
        await desk.db.insist(lambda db: db.execute("no sql"))
    assert not isinstance(caught.value, DiskTrouble)
    with pytest.raises(ZeroDivisionError):
        await desk.db.insist(lambda _db: 1 // 0)


async def test_a_file_that_cannot_be_written_holds_what_insists_and_fails_only_itself_otherwise(desk: Desk) -> None:
    refuses = [True]

    def with_file(db: sqlite3.Connection) -> MessageId:
        if refuses[0]:
            raise DiskTrouble("no room for the file")
        return big("m-file")(db)

    results = await asyncio.gather(desk.db.run(with_file), desk.db.run(big("m-1")), return_exceptions=True)
    assert isinstance(results[0], DiskTrouble)
    assert results[1] == "m-1"
    waiting = [asyncio.create_task(desk.db.insist(work)) for work in (with_file, big("m-2"))]
    await desk.held()
    refuses[0] = False
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting)
    assert await desk.ids() == ["m-1", "m-file", "m-2"]
