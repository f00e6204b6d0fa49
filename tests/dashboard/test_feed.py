"""The dashboard on real daemons, with the Claude double: what they do is seen, and what a person does arrives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from typing import Any

import pytest

from ccmux.dashboard.app import Dashboard
from ccmux.dashboard.board import Board
from ccmux.dashboard.feed import Feed
from ccmux.journal import inbox
from ccmux.journal.connection import connect
from ccmux.model.message import MessageState
from tests.dashboard import office
from tests.dashboard.house import make
from tests.dashboard.look import calm, until, words
from tests.rig import PATIENCE, Rig
from tests.rig import until as wait


class Followed:
    """A feed without a screen."""

    def __init__(self) -> None:
        self.board = Board()
        self.changes = 0

    def changed(self) -> None:
        self.changes += 1

    @contextlib.asynccontextmanager
    async def running(self) -> Any:
        task = asyncio.create_task(Feed(self.board, self.changed).run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, condition: Any, what: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.02)
        assert condition(), what

    def state(self, name: str) -> str:
        one = self.board.instances.get(name)
        return one.state if one else ""


async def test_what_a_daemon_does_is_seen_from_its_first_word_to_its_end(house: Rig) -> None:
    async with Followed().running() as seen:
        await seen.until(lambda: seen.board.complete, "no homes are known at once")
        assert not seen.board.instances
        await asyncio.to_thread(make, house, "a", 4.0)
        await seen.until(lambda: seen.state("a") == "idle", "the new one is found")
        await asyncio.to_thread(house.run, "send", "a", "hello there")
        await seen.until(lambda: seen.state("a") == "busy", "it works")
        await asyncio.to_thread(house.run, "send", "a", "and one more")
        await seen.until(lambda: seen.board.instances["a"].waiting == 1, "its queue is seen, though nothing pushes it")
        await asyncio.to_thread(house.run, "pause", "a")
        await seen.until(lambda: seen.state("a") == "paused", "its pause is seen")
        await asyncio.to_thread(house.kill_daemon, "a")
        await seen.until(lambda: seen.board.instances["a"].reason == "daemon-not-running", "its death is seen")
        await asyncio.to_thread(house.run, "start", "a")
        await seen.until(lambda: seen.board.instances["a"].daemon, "the next daemon is found")
        await asyncio.to_thread(house.run, "rm", "a", "--purge")
        await seen.until(lambda: "a" not in seen.board.instances, "it is gone")


async def test_reports_are_seen_as_they_come(house: Rig) -> None:
    projects = house.paths("main").data / "projects"
    async with Followed().running() as seen:
        projects.mkdir(parents=True)
        for number in range(3):
            whole = projects / ".new"
            whole.write_text(json.dumps(office.report("a", current_task=f"task {number}")) + "\n")
            whole.rename(projects / "dashboard.jsonl")
            await seen.until(
                lambda n=number: "a" in seen.board.reports and seen.board.reports["a"].task == f"task {n}", "seen"
            )
        (projects / "dashboard.jsonl").unlink()
        await seen.until(lambda: not seen.board.reports, "they are gone")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"", "closed the connection"),
        (b"no json\n", "daemon:"),
        (b'{"v":1,"failed":{"exit":1,"what":"[/foo] \\u001b[2J","fix":""}}\n', "[/foo]"),
        (b'{"v":1,"instance":[1]}\n', ""),
        (b"x" * 2_000_000, "daemon:"),
    ],
    ids=["nothing", "no-json", "a-failure", "a-list", "too-much"],
)
async def test_a_daemon_that_says_something_else_is_told_as_it_is(house: Rig, said: bytes, shown: str) -> None:
    house.new("a", "--no-start")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        with contextlib.suppress(ConnectionError):
            writer.write(said)
            await writer.drain()
        writer.close()

    house.paths("a").run.mkdir(exist_ok=True)
    server = await asyncio.start_unix_server(serve, house.paths("a").control_socket)
    try:
        async with Followed().running() as seen:
            await seen.until(lambda: "a" in seen.board.instances, "it is listed")
            assert seen.state("a") == "stopped"
            assert shown in seen.board.instances["a"].reason
    finally:
        server.close()


async def test_a_socket_that_refuses_is_told(house: Rig) -> None:
    if os.geteuid() == 0:
        house.new("a", "--no-start")
        house.paths("a").run.mkdir(exist_ok=True)
        house.paths("a").control_socket.mkdir()  # connecting to it is refused to everybody
    else:
        house.new("a", "--no-start")
        house.paths("a").run.chmod(0)
    async with Followed().running() as seen:
        await seen.until(lambda: seen.state("a") == "stopped", "it is listed")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a keeper outlives who starts it
async def test_a_person_acts_and_the_instance_does_it(house: Rig) -> None:
    await asyncio.to_thread(make, house, "a")
    app = Dashboard()
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(pilot, lambda: "idle" in words(app), "it is there")
        await pilot.press("m", *"hello", "enter")
        await asyncio.to_thread(
            wait, lambda: house.history("a") and house.history("a")[0]["message"]["state"] == "done", "sent"
        )
        assert house.history("a")[0]["message"]["text"] == "hello"
        await pilot.press("enter")
        await until(pilot, lambda: "You wrote: hello" in words(app), "its terminal is seen, as it is now")
        await pilot.press("2")
        await until(pilot, lambda: "committed" in words(app) and "taken" not in words(app), "the way of its message")
        await pilot.press("p")
        await until(pilot, lambda: "paused" in words(app).splitlines()[0], "it is paused")
        await pilot.press("p")
        await until(pilot, lambda: "idle" in words(app).splitlines()[0], "it goes on")
        await pilot.press("escape")
        before = house.status("a")["daemon"]["pid"]
        await pilot.press("R", "d")
        await until(pilot, lambda: app.board.instances["a"].daemon not in {0, before}, "another daemon")
        await pilot.press("s", "y")
        await until(pilot, lambda: "stopped" in words(app), "it is stopped")
        await until(pilot, lambda: "s starts it" in words(app), "and how to mend that is said")
        await until(
            pilot, lambda: not [one for one in app.workers if one.group == "acts" and not one.is_finished], "done"
        )
        await pilot.press("s")
        await until(pilot, lambda: "idle" in words(app), "it runs again")


async def test_a_daemon_that_hangs_or_is_gone_is_told_when_something_is_asked_of_it(house: Rig) -> None:
    house.new("a", "--no-start")
    app = Dashboard()
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(pilot, lambda: "stopped" in words(app), "it is there")
        await pilot.press("p")
        await until(pilot, lambda: "ccmux start a" in words(app), "what mends it is said")
        await calm(pilot)


async def test_an_unusable_home_is_told(house: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCMUX_HOME", str(house.home / "none"))
    app = Dashboard()
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "is not a directory" in words(app), "why nothing is listed")
    shutil.rmtree(house.home / "none", ignore_errors=True)


async def test_damaged_homes_are_listed_with_what_is_wrong_and_break_nothing(house: Rig) -> None:
    for name in ("config", "journal", "newer", "empty"):
        house.new(name, "--no-start")
        house.paths(name).data.mkdir(exist_ok=True)
    house.paths("config").config.write_bytes(b"\xff[[not toml")
    house.paths("journal").journal.write_bytes(b"no database at all" * 100)
    with contextlib.closing(connect(house.paths("newer").journal)) as db:
        inbox.put(db, office.message(1, "x", MessageState.DEAD, office.NOW))
        db.execute("UPDATE inbox SET state = 'of-a-newer-release'")
        db.execute(
            "INSERT INTO approvals VALUES (1,'i','c','new','t','{','','','k','s','m','c','s',0,0,'open','','','[]',0)"
        )
    house.paths("empty").journal.touch()
    app = Dashboard()
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await until(pilot, lambda: words(app).count("stopped") >= 4, "all are listed")
        for _ in range(4):
            for key in ("enter", "2", "3", "escape", "a", "escape", "x", "escape", "l", "escape", "down"):
                await pilot.press(key)
                await calm(pilot)
        assert all(name in words(app) for name in ("config", "journal", "newer", "empty"))
    assert len(house.run("dashboard", "--once").splitlines()) == 5
