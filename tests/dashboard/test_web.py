"""The dashboard in a browser: who may, who may not, and that keys and clicks arrive."""

from __future__ import annotations

import asyncio
import contextlib
import re
import xml.dom.minidom
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from ccmux.dashboard.board import report_of
from ccmux.dashboard.web.screen import WebDashboard
from ccmux.dashboard.web.server import Site
from ccmux.errors import CcmuxError
from tests.dashboard import office
from tests.dashboard.test_board import HOSTILE
from tests.rig import PATIENCE

pytestmark = pytest.mark.usefixtures("still")


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[tuple[Site, aiohttp.ClientSession]]:
    dashboard = WebDashboard(source=office.Still, clock=lambda: office.NOW)
    running = asyncio.create_task(dashboard.run_async(size=(140, 40)))
    made = Site(dashboard)
    try:
        async with asyncio.timeout(PATIENCE):
            while not (dashboard.is_running and dashboard.board.complete):
                await asyncio.sleep(0.02)
        async with (
            made.serving(0),
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as person,
        ):
            yield made, person
    finally:
        dashboard.exit()
        await running


def text(svg: str) -> str:
    return re.sub(r"<[^>]*>", "", svg).replace("&#160;", " ")


async def shows(socket: aiohttp.ClientWebSocketResponse, words: str) -> str:
    """The first picture with the words on it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            picture = await socket.receive_str()
            if words in text(picture):
                return picture


async def test_the_token_is_exchanged_for_a_cookie_and_the_screen_is_shown() -> None:
    async with site() as (made, person):
        async with person.get(made.url, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == "/"
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert made.token not in cookie
        async with person.get(f"http://{made.host}/") as answer:
            page = await answer.text()
            assert answer.status == 200
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
        assert not re.search(r"https?://", page)
        for name in ("page.js", "page.css"):
            async with person.get(f"http://{made.host}/{name}") as answer:
                assert answer.status == 200
                assert not re.search(r"https?://", await answer.text())
        async with person.ws_connect(f"http://{made.host}/screen", origin=f"http://{made.host}") as socket:
            picture = await shows(socket, "billing")
            outside = set(re.findall(r"https?://[^\"' )<]+", picture)) - {"http://www.w3.org/2000/svg"}
            assert {one for one in outside if "textualize" not in one} == set()
            assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", picture)
            assert "<script" not in picture
            await socket.send_json({"key": "a", "ctrl": False, "shift": False})
            await shows(socket, "k3f9")
            await socket.send_json({"key": "Escape", "ctrl": False, "shift": False})
            await shows(socket, "PROGRESS")
            await socket.send_json({"click": [6, 5]})
            await shows(socket, "ledger.py")
            await socket.send_json({"size": [60, 24]})
            async with asyncio.timeout(PATIENCE):
                while "PROGRESS" in text(await socket.receive_str()):
                    pass
            await socket.send_json({"key": "t", "ctrl": False, "shift": False})
            await shows(socket, "attach")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/?token=", {}),
        ("/?token=wrong", {}),
        ("/page.js", {}),
        ("/screen", {}),
        ("/screen", {"Origin": "http://{host}"}),
        ("/?token={token}", {"Host": "evil.example"}),
        ("/?token={token}", {"Host": "localhost:{port}"}),
        ("/", {"Cookie": "ccmux-{port}=wrong"}),
        ("/", {"Cookie": "ccmux-{port}={token}"}),
    ],
)
async def test_nobody_else_sees_anything(path: str, headers: dict[str, str]) -> None:
    async with site() as (made, person):
        words = {"host": made.host, "token": made.token, "port": str(made.port)}
        given = {name: value.format(**words) for name, value in headers.items()}
        async with person.get(
            f"http://{made.host}{path.format(**words)}", headers=given, allow_redirects=False
        ) as answer:
            assert answer.status == 403
            assert "Set-Cookie" not in answer.headers
            assert "billing" not in await answer.text()


async def test_another_page_of_the_same_browser_is_refused() -> None:
    async with site() as (made, person):
        await (await person.get(made.url)).release()
        for origin in ("http://evil.example", "null", f"http://localhost:{made.port}", f"https://{made.host}", None):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await person.ws_connect(f"http://{made.host}/screen", origin=origin)
            assert refused.value.status == 403


async def test_nonsense_on_the_socket_is_nothing() -> None:
    async with site() as (made, person):
        await (await person.get(made.url)).release()
        async with person.ws_connect(f"http://{made.host}/screen", origin=f"http://{made.host}") as socket:
            await shows(socket, "billing")
            for said in ("{", "[]", '{"key":3}', '{"click":[-1,99999]}', '{"size":["a",1]}', "[" * 100_000):
                await socket.send_str(said)
            for key in ("\x1b", "F5", "", "é" * 3):
                await socket.send_json({"key": key, "ctrl": False, "shift": False})
            await socket.send_json({"size": [10**9, -5]})
            await socket.send_json({"wheel": 1, "at": [5, 5]})
            await socket.send_json({"key": "?", "ctrl": False, "shift": False})
            await shows(socket, "Everywhere")


async def test_a_port_that_is_taken_is_told() -> None:
    async with site() as (made, _):
        other = Site(made.dashboard)
        with pytest.raises(CcmuxError, match=str(made.port)):
            async with other.serving(made.port):
                pass


def test_it_listens_on_this_machine_alone_and_prints_the_token_once(still: Path) -> None:
    import os
    import signal
    import subprocess
    import sys
    import threading

    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "CCMUX_HOME": str(still)}
    argv = [sys.executable, "-m", "ccmux", "dashboard", "--web"]
    pipe = subprocess.PIPE
    heeding = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 - whoever started us may ignore it
    with subprocess.Popen(argv, env=environment, stdout=pipe, stderr=pipe, text=True, preexec_fn=heeding) as process:  # noqa: PLW1509
        watch = threading.Timer(PATIENCE, process.kill)
        watch.start()
        assert process.stdout is not None
        assert process.stderr is not None
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})\n", process.stdout.readline())
        assert found
        listening = Path(f"/proc/{process.pid}/net/tcp").read_text() if Path("/proc/self/net/tcp").exists() else ""
        assert not listening or f"0100007F:{int(found[1]):04X}" in listening
        assert f"00000000:{int(found[1]):04X}" not in listening
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=30)
        assert found[2] not in rest
        watch.cancel()
        assert said == ""


async def test_nothing_that_is_shown_becomes_part_of_the_picture() -> None:
    async with site() as (made, _):
        app = made.dashboard
        for value in (*HOSTILE, "</text></svg><script>alert(1)</script>", "]]>&amp;<&\"'"):
            told = dict.fromkeys(office.report("billing"), value) | {"project": "billing"}
            found = report_of(told)
            assert found is not None
            app.board.reports["billing"] = found
            app.board.put(office.instance("billing") | {"reason": value})
            before = app.drawings
            app.changed()
            async with asyncio.timeout(PATIENCE):
                while app.drawings == before:
                    await asyncio.sleep(0.02)
            picture = app.picture()
            assert xml.dom.minidom.parseString(picture).documentElement is not None  # noqa: S318 - our own
            assert "<script" not in picture
