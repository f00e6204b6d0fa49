"""Files that came are taken whole, bounded and private; the token goes to one host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from ccmux.errors import NotNow, Undeliverable
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.tokens import Tokens
from ccmux.gateways.words import RemoteFile
from tests.fakes.slack import Fault
from tests.gateways.slack.conftest import World


async def came(world: World, content: bytes = b"\x00\x01picture") -> RemoteFile:
    await world.up()
    world.ann.post(world.room, "look", files=[("a.png", content)])
    await world.inlet.until(lambda: world.inlet.heard)
    (file,) = world.inlet.heard[-1].files
    return file


async def test_a_file_is_fetched_into_a_private_file(world: World, tmp_path: Path) -> None:
    file = await came(world)
    assert (file.name, file.size) == ("a.png", 9)
    to = tmp_path / "x"
    await world.transport.fetch(file, to, 100)
    assert to.read_bytes() == b"\x00\x01picture"
    assert to.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotNow):
        await world.transport.fetch(file, to, 100)
    assert to.read_bytes() == b"\x00\x01picture"


async def test_what_is_too_big_is_not_taken_whatever_its_size_was_said_to_be(world: World, tmp_path: Path) -> None:
    file = await came(world, b"x" * 200_000)
    for lying in (file, msgspec.structs.replace(file, size=1)):
        with pytest.raises(Undeliverable, match="too big"):
            await world.transport.fetch(lying, tmp_path / "x", 100_000)
        assert not (tmp_path / "x").exists()


async def test_an_address_that_was_not_told_is_asked_for(world: World, tmp_path: Path) -> None:
    file = msgspec.structs.replace(await came(world), url="")
    await world.transport.fetch(file, tmp_path / "x", 100)
    assert (tmp_path / "x").read_bytes() == b"\x00\x01picture"


async def test_what_a_killed_process_left_does_not_stay(world: World, tmp_path: Path) -> None:
    file = await came(world)
    (tmp_path / ".x.part").write_text("half")
    with pytest.raises(Undeliverable):
        await world.transport.fetch(file, tmp_path / "x", 1)
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240
    await world.transport.fetch(file, tmp_path / "x", 100)
    assert [one.name for one in tmp_path.iterdir()] == ["x"]  # noqa: ASYNC240


async def test_a_page_to_log_in_is_no_file(world: World, tmp_path: Path) -> None:
    file = await came(world)
    page = msgspec.structs.replace(file, url=world.slack.url + "/")
    with pytest.raises(Undeliverable, match="log in"):
        await world.transport.fetch(page, tmp_path / "x", 100_000)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("fault", [Fault("drop"), Fault("status", status=500), Fault("limited")])
async def test_troubles_pass(world: World, tmp_path: Path, fault: Fault) -> None:
    file = await came(world)
    world.slack.faults.add("download", fault, times=2 if fault.do == "drop" else 1)  # aiohttp gets once more
    with pytest.raises(NotNow):
        await world.transport.fetch(file, tmp_path / "x", 100)
    assert not (tmp_path / "x").exists()
    await world.transport.fetch(file, tmp_path / "x", 100)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/files.slack.com",
        "https://files.slack.com.evil.example.com/x",
        "https://files.slack.com@evil.example.com/x",
        "https://files.slack.com:8443/x",
        "http://files.slack.com/x",
        "https://slack.com/x",
        "file:///etc/passwd",
        "http://127.0.0.1:1/x",
    ],
)
def test_the_token_goes_to_one_host_only(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCMUX_SLACK_API", raising=False)
    api = Api(Tokens("xoxb-12345678", "xapp-12345678"))
    assert not api.own(url, "files.slack.com")
    assert api.own("https://files.slack.com/files-pri/T1-F1/download/a.png", "files.slack.com")


async def test_a_redirect_takes_the_token_nowhere(world: World, tmp_path: Path) -> None:
    file = await came(world)
    async with _moved("https://evil.example.com/login") as url:
        with pytest.raises(Undeliverable, match="does not go there"):
            await world.transport.fetch(msgspec.structs.replace(file, url=url), tmp_path / "x", 100)
    async with _moved(file.url) as url:
        await world.transport.fetch(msgspec.structs.replace(file, url=url), tmp_path / "x", 100)
    assert (tmp_path / "x").read_bytes() == b"\x00\x01picture"


@asynccontextmanager
async def _moved(to: str) -> AsyncIterator[str]:
    async def move(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": to})

    app = web.Application()
    app.router.add_get("/x", move)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/x"
    finally:
        await runner.cleanup()
