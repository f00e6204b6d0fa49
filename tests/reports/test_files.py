"""The assistant's files say what its journal says, whatever happened to them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ccmux.daemon import projects as module
from ccmux.daemon.hub import Hub
from ccmux.daemon.projects import Projects
from ccmux.errors import UsageError
from ccmux.journal.database import Database
from ccmux.model.ids import ChannelName
from tests.core.test_report import EXAMPLE


@pytest.fixture
async def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setenv("CCMUX_HOME", str(tmp_path))
    for name in ("project-a", "b"):
        (tmp_path / f".ccmux-{name}").mkdir()
        (tmp_path / f".ccmux-{name}" / "ccmux.toml").write_text("version = 1\n")
    database = Database(tmp_path / "journal.db")
    yield database
    await database.close()


@contextlib.asynccontextmanager
async def writing(projects: Projects) -> AsyncIterator[None]:
    task = asyncio.create_task(projects.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def content(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def seen(file: Path, lines: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        while True:
            found = content(file).splitlines()
            if len(found) >= lines:
                return [json.loads(line) for line in found]
            await asyncio.sleep(0.01)


def report(**more: Any) -> str:
    return json.dumps(EXAMPLE | more)


async def test_each_project_has_one_line_its_latest_and_the_log_has_all(db: Database, tmp_path: Path) -> None:
    hub = Hub()
    projects = Projects(tmp_path / "projects", db, hub)
    async with writing(projects):
        for number in range(3):
            assert (
                await projects.take(report(progress=f"{number}"), on=ChannelName("project-a"), key=f"k{number}") == ""
            )
            assert (
                await projects.take(report(progress=f"{number}"), on=ChannelName("project-a"), key=f"k{number}") == ""
            )  # sent again
            assert (
                await projects.take(report(progress=f"b{number}"), on=ChannelName("project-b"), key=f"b{number}") == ""
            )
        assert await projects.take(report(project="b", progress="forged"), on=None, key=None) == ""
        assert [one["seq"] for one in await seen(tmp_path / "projects" / "reports.jsonl", 7)] == sorted(range(1, 8))
        table = (await projects.table())["projects"]
        assert [(one["project"], one["progress"]) for one in table] == [("b", "b2"), ("project-a", "2")]
        rows = await seen(tmp_path / "projects" / "dashboard.jsonl", 2)
        assert [(one["project"], one["progress"]) for one in rows] == [("b", "b2"), ("project-a", "2")]
        assert (await projects.table("b"))["projects"][0]["unverified"] is True


async def test_what_a_crash_tore_or_lost_is_written_again_once(db: Database, tmp_path: Path) -> None:
    log = tmp_path / "projects" / "reports.jsonl"
    projects = Projects(tmp_path / "projects", db, Hub())
    for number in range(6):
        await projects.take(report(progress=str(number)), on=ChannelName("project-a"), key=str(number))
    async with writing(projects):
        whole = await seen(log, 6)
    lines = log.read_bytes().splitlines(keepends=True)
    for left in (b"".join(lines[:3]) + lines[3][:20], b"", b"".join(lines[:2])):
        log.write_bytes(left)
        async with writing(Projects(tmp_path / "projects", db, Hub())):
            assert await seen(log, 6) == whole
    log.unlink()
    (tmp_path / "projects" / "dashboard.jsonl").unlink()
    async with writing(Projects(tmp_path / "projects", db, Hub())):
        assert await seen(log, 6) == whole
        assert len(await seen(tmp_path / "projects" / "dashboard.jsonl", 1)) == 1


async def test_the_log_is_bounded(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOG_BYTES", 1000)
    log = tmp_path / "projects" / "reports.jsonl"
    for number in range(6):
        projects = Projects(tmp_path / "projects", db, Hub())
        await projects.take(report(progress=str(number)), on=ChannelName("project-a"), key=str(number))
        async with writing(projects):
            async with asyncio.timeout(20):
                while f'"seq":{number + 1}' not in content(log):
                    await asyncio.sleep(0.01)
    assert log.stat().st_size < 3000
    assert log.with_suffix(".jsonl.1").stat().st_size < 3000


async def test_an_alert_is_told_to_the_person_once_and_again_when_it_comes_back(db: Database, tmp_path: Path) -> None:
    hub = Hub()
    projects = Projects(tmp_path / "projects", db, hub)
    for number, alerts in enumerate((["help"], ["help"], [], ["help", "more"])):
        await projects.take(report(alerts=alerts), on=ChannelName("project-a"), key=str(number))
    assert hub.words() == ["project-a: help", "project-a: help", "project-a: more"]


@pytest.mark.parametrize("on", ["project-gone", "project-report", "slack", "project-.."])
async def test_only_the_wire_of_a_project_that_there_is_reports(db: Database, tmp_path: Path, on: str) -> None:
    projects = Projects(tmp_path / "projects", db, Hub())
    assert await projects.take(report(project="project-a"), on=ChannelName(on), key="k")
    assert (await projects.table())["projects"] == []


async def test_a_directive_waits_in_the_outbox_of_its_project(db: Database, tmp_path: Path) -> None:
    hub = Hub()
    projects = Projects(tmp_path / "projects", db, hub)
    assert await projects.direct("b", {"content": "x", "from": "the king"}, "Claude")
    assert ChannelName("project-b") in hub.linked
    for name, given in (
        ("gone", {"content": "x"}),
        ("../b", {"content": "x"}),
        ("main", {"content": "x"}),
        ("b", {}),
        ("b", {"content": "x", "run": 1}),
    ):
        with pytest.raises(UsageError):
            await projects.direct(name, given, "Claude")
