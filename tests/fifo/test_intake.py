"""The owner of the FIFOs: it must outlive whatever a stranger puts into the run directory."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccmux.daemon.budget import Budget
from ccmux.daemon.driver import Driver
from ccmux.daemon.hub import Hub
from ccmux.daemon.intake import Intake
from ccmux.daemon.orders import Orders
from ccmux.daemon.outgoing import Outgoing
from ccmux.daemon.record import Record
from ccmux.daemon.session import Session
from ccmux.daemon.usage import Usage
from ccmux.fifo import pipe
from ccmux.journal.database import Database
from ccmux.journal.history import exchanges, summary
from ccmux.model.instance import BudgetSpec, InstanceSpec
from ccmux.model.message import MessageState
from ccmux.paths import InstancePaths

PATIENCE = 30.0


class Door:
    """A real intake over a real journal; no session is started."""

    def __init__(self, home: Path) -> None:
        self.paths = InstancePaths("x", home)
        for directory in (self.paths.run, self.paths.data):
            directory.mkdir(parents=True)
        self.run = self.paths.run
        self.hub = Hub()
        self.db = Database(self.paths.journal)
        session = Session(self.paths, InstanceSpec(), self.hub.change)
        usage = Usage(self.paths, "", self.db)
        budget = Budget(BudgetSpec(), usage, self.db, self.hub)
        orders = Orders(session, self.db, self.hub)
        record = Record(self.db, self.hub, Outgoing(self.paths.outgoing, home, 1000))
        driver = Driver(session, record, self.hub, orders, usage=usage, budget=budget)
        self.intake = Intake(self.run, self.db, driver, self.hub)
        self.tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        self.tasks = [asyncio.create_task(self.intake.watch_fifos()), asyncio.create_task(self.intake.pump())]

    @property
    def texts(self) -> list[str]:
        return [exchange.message.text for exchange in exchanges(self.paths.journal, 10_000)]

    async def until(self, condition: Callable[[], object], what: str) -> None:
        give_up = time.monotonic() + PATIENCE
        while not condition():
            for task in self.tasks:
                assert not task.done(), f"the intake died while waiting for: {what}: {task.exception()!r}"
            self.intake.rescan()
            assert time.monotonic() < give_up, f"never came true: {what}"
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.db.close()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    home = Path(tempfile.mkdtemp(prefix="cxf", dir="/tmp"))
    made = Door(home)
    try:
        yield made
    finally:
        await made.close()
        shutil.rmtree(home)


async def say(path: Path, text: str) -> None:
    def write() -> None:
        with path.open("w", encoding="utf-8") as file:
            file.write(text)

    await asyncio.wait_for(asyncio.to_thread(write), PATIENCE)


async def test_fifos_come_and_go(door: Door) -> None:
    door.open()
    for number in range(5):
        path = door.run / "in.cron"
        pipe.make(path)
        await door.until(lambda: door.intake._readers, "the FIFO is read")
        await say(path, f"message {number}\n")
        await door.until(lambda n=number: f"message {n}" in door.texts, "it is journalled")  # type: ignore[misc]
        path.unlink()
        await door.until(lambda: not door.intake._readers, "its reader is gone")
    assert door.texts == [f"message {number}" for number in range(5)]


async def test_a_file_where_a_fifo_should_be_is_taken(door: Door) -> None:
    (door.run / "in.cron").write_text("one\ntwo\nthree", encoding="utf-8")
    door.open()
    await door.until(lambda: len(door.texts) == 3, "its lines are journalled")
    await door.until(lambda: pipe.is_fifo(door.run / "in.cron"), "it is a FIFO now")
    assert door.texts == ["one", "two", "three"]
    (kept,) = door.run.glob(".taken*")
    os.utime(kept, (0, 0))
    kept.rename(door.run / ".taken-in.cron+1")  # as if a minute had passed
    await door.until(lambda: not list(door.run.glob(".taken*")), "nothing is left")
    assert door.texts[:3] == ["one", "two", "three"]


async def test_a_writer_that_is_slower_than_we_are_loses_nothing(door: Door) -> None:
    """`echo` makes the file first and writes then; a script may hold it open longer."""
    with (door.run / "in.cron").open("w", encoding="utf-8") as file:
        os.utime(file.fileno(), (0, 0))  # it is taken at once, while it is empty
        door.open()
        await door.until(lambda: pipe.is_fifo(door.run / "in.cron"), "it is a FIFO now")
        file.write("one\ntwo")
        file.flush()
        await door.until(lambda: door.texts == ["one", "two"], "what was written then is taken")


async def test_a_line_of_a_file_that_cannot_be_taken_is_told_once_however_often_it_is_read(door: Door) -> None:
    pipe.make(door.run / "in.cron")
    (door.run / f".taken-in.cron+{time.time_ns()}").write_bytes(b"\xff\xfe\ngood\n")
    door.open()
    await door.until(lambda: "good" in door.texts, "the good line is journalled")
    for _ in range(3):
        await door.intake._look()
    states = [(one.message.state, len(one.replies)) for one in exchanges(door.paths.journal, 99)]
    assert sorted(states) == [("received", 0), ("rejected", 1)]


async def test_what_looks_like_the_link_and_is_not_right_is_told_to_a_plain_channel(door: Door) -> None:
    pipe.make(door.run / "in.local")
    door.open()
    await door.until(lambda: door.intake._readers, "the FIFO is read")
    await say(door.run / "in.local", '{"v":1,"id":"a b","part":1,"parts":1,"text":"x"}\n')
    await door.until(lambda: len(door.texts) == 1, "it is kept")
    (one,) = exchanges(door.paths.journal, 9)
    assert (one.message.state, one.replies[0].error[:22]) == ("rejected", "not a line of the link")


async def test_the_first_messages_of_a_peer_keep_their_order(door: Door) -> None:
    pipe.make(door.run / "in.local")
    door.open()
    await door.until(lambda: door.intake._readers, "the FIFO is read")
    frames = [json.dumps({"v": 1, "id": f"n{n}", "part": 1, "parts": 1, "text": f"{n}"}) for n in range(30)]
    await say(door.run / "in.local", "\n".join(frames) + "\n")
    await door.until(lambda: len(door.texts) == 30, "all are journalled")
    assert door.texts == [str(n) for n in range(30)]


async def test_a_message_whose_file_cannot_be_written_is_refused_and_the_daemon_lives(door: Door) -> None:
    (door.paths.home / "inbox").write_text("in the way", encoding="utf-8")
    pipe.make(door.run / "in.local")
    door.open()
    await door.until(lambda: door.intake._readers, "the FIFO is read")
    await say(door.run / "in.local", "x" * 40_000 + "\nshort\n")
    await door.until(lambda: len(door.texts) == 2, "both are journalled")
    taken = {one.message.state: one.message for one in exchanges(door.paths.journal, 9)}
    assert "cannot be written" in taken[MessageState.REJECTED].reason
    assert taken[MessageState.RECEIVED].text == "short"


async def test_a_file_is_no_other_channels(door: Door) -> None:
    pipe.make(door.run / "in.a")
    (door.run / "in.a-1").write_text("for a-1\n", encoding="utf-8")
    door.open()
    await door.until(lambda: door.texts == ["for a-1"], "it is journalled")
    assert [one.message.channel for one in exchanges(door.paths.journal, 9)] == ["a-1"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_a_fifo_of_another_user_does_not_end_the_daemon(door: Door) -> None:
    path = door.run / "in.cron"
    os.mkfifo(path, 0o600)
    os.chown(path, 65534, 65534)
    pipe.make(door.run / "in.local")
    door.open()
    await door.until(lambda: "local" in door.intake._readers, "the other FIFO is read")


async def test_directories_links_and_odd_names_are_left_alone(door: Door) -> None:
    (door.run / "in.dir").mkdir()
    (door.run / "in.link").symlink_to("/etc/passwd")
    (door.run / "in.dangling").symlink_to("/nonexistent")
    (door.run / "in.Bad Name").write_text("x\n", encoding="utf-8")
    (door.run / "in.").write_text("x\n", encoding="utf-8")
    (door.run / "out.blocked").write_text("x\n", encoding="utf-8")
    os.mkfifo(door.run / "in.blocked")
    pipe.make(door.run / "in.local")
    door.open()
    await door.until(lambda: "local" in door.intake._readers, "the good FIFO is read")
    await say(door.run / "in.local", "hello\n")
    await door.until(lambda: door.texts == ["hello"], "it is journalled")
    assert (door.run / "in.link").is_symlink()


async def test_fifos_that_vanish_at_once_do_not_end_the_daemon(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mkfifo in.x; rm in.x`: found by the scan, gone when it is opened."""
    pipe.make(door.run / "in.local")
    os.mkfifo(door.run / "in.flicker")
    real = pipe.make

    def make(path: Path) -> None:
        real(path)
        if path.name == "out.flicker":
            (door.run / "in.flicker").unlink(missing_ok=True)

    monkeypatch.setattr(pipe, "make", make)
    door.open()
    await door.until(lambda: "local" in door.intake._readers, "the other FIFO is read")


async def test_a_taken_file_survives_a_crash(door: Door) -> None:
    """What kill -9 leaves between the rename of the file and the commit of its last line."""
    (door.run / f".taken-in.cron+{time.time_ns()}").write_text("one\ntwo\n", encoding="utf-8")
    pipe.make(door.run / "in.cron")
    door.open()
    await door.until(lambda: "cron" in door.intake._readers, "the FIFO is read")
    await say(door.run / "in.cron", "later\n")
    await door.until(lambda: "later" in door.texts, "it is journalled")
    assert door.texts == ["one", "two", "later"]


async def test_a_carriage_return_in_a_file_is_no_line_end(door: Door) -> None:
    """The same bytes through the FIFO are one message."""
    (door.run / "in.cron").write_bytes(b"10%\r20%\r\nnext\n")
    door.open()
    await door.until(lambda: "next" in door.texts, "its lines are journalled")
    assert len(door.texts) == 2


async def test_six_thousand_lines_at_once(door: Door) -> None:
    path = door.run / "in.local"
    pipe.make(path)
    door.intake._limits = type(door.intake._limits)(max_waiting=100_000, max_waiting_per_sender=100_000)
    door.open()
    await door.until(lambda: door.intake._readers, "the FIFO is read")
    await say(path, "".join(f"{n}\n" for n in range(6000)))
    await door.until(lambda: summary(door.paths.journal)[0].waiting >= 6000, "all are journalled")
    assert door.texts == [str(n) for n in range(6000)]
