"""The same against a stand-in of Slack's Web API that others wrote: the npm package `emulate` (0.11.2, Apache-2.0).

Runs where CCMUX_EMULATE names a directory with it (`npm install emulate@0.11.2` there; Node 20 or later).
It has no Socket Mode, no `apps.connections.open`, and takes POST only.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from ccmux.errors import Undeliverable
from ccmux.gateways.slack import rooms
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.events import order
from ccmux.gateways.slack.pace import Pace
from ccmux.gateways.slack.preflight import account
from ccmux.gateways.slack.reader import Reader
from ccmux.gateways.slack.tokens import Tokens
from ccmux.gateways.slack.transport import Slack
from ccmux.gateways.words import Act, Answer, Draft, Mark, Place, Verb
from tests.gateways.slack.conftest import FAST

THERE = Path(os.environ.get("CCMUX_EMULATE") or "/nonexistent")
pytestmark = pytest.mark.skipif(
    not (THERE / "node_modules" / "emulate").is_dir() or shutil.which("node") is None,
    reason="CCMUX_EMULATE names no directory with the npm package emulate",
)
TOKEN = "xoxb-emulated-12345678"
START = """
import net from "node:net";
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (first, ...rest) {
  this.once("listening", () => console.log("ready"));
  const port = typeof first === "object" ? first.port : Number(first);
  return listen.call(this, { port, host: "127.0.0.1" }, ...rest.filter((one) => typeof one === "function"));
};
const { createEmulator } = await import("emulate");
const [port, baseUrl] = process.argv.slice(2);
await createEmulator({ service: "slack", port: Number(port), baseUrl, seed: JSON.parse(process.env.SEED) });
"""
BOT = {
    "token": TOKEN,
    "type": "bot",
    "bot_id": "B0CCMUX",
    "bot_user_id": "U0CCMUX",
    "user_id": "U0CCMUX",
    "app_id": "A0CCMUX",
}
APP = {
    "app_id": "A0CCMUX",
    "client_id": "1.2",
    "client_secret": "x",
    "name": "ccmux",
    "redirect_uris": [],
    "bot_id": "B0CCMUX",
    "bot_user_id": "U0CCMUX",
    "bot_name": "ccmux",
}
SEED = {"slack": {"team": {"name": "Acme", "domain": "acme"}, "oauth_apps": [APP], "tokens": [BOT]}}


@asynccontextmanager
async def emulated(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a server that hands every call on as a POST."""
    port = _free_port()

    async def forward(request: web.Request) -> web.Response:
        data = {**request.query, **({} if request.content_type == "application/json" else await request.post())}
        headers = {"Authorization": request.headers.get("Authorization", "")}
        url = f"http://127.0.0.1:{port}{request.path}"
        async with aiohttp.ClientSession() as session:
            if request.content_type in {"application/json", "application/octet-stream"}:
                body = await request.read()
                headers["Content-Type"] = request.content_type
                call = session.post(url, data=body, headers=headers)
            else:
                call = session.post(url, data=data, headers=headers)
            async with call as answer:
                kept = {key: answer.headers[key] for key in ("X-OAuth-Scopes",) if key in answer.headers}
                return web.Response(
                    body=await answer.read(), status=answer.status, content_type=answer.content_type, headers=kept
                )

    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    script = tmp_path / "start.mjs"
    script.write_text(START.replace('import("emulate")', f'import("{_entry()}")'))
    process = await asyncio.create_subprocess_exec(
        "node",
        str(script),
        str(port),
        url,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "SEED": json.dumps(SEED)},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"ready\n"
        yield url
    finally:
        process.kill()
        await process.wait()
        await runner.cleanup()


def _entry() -> str:
    return (THERE / "node_modules" / "emulate" / "dist" / "api.js").absolute().as_uri()


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def test_posts_threads_marks_edits_files_and_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCMUX_SLACK_API", raising=False)
    async with emulated(tmp_path) as url:
        api = Api(Tokens(TOKEN, "xapp-1-A0-12345678"), f"{url}/api/")
        slack = Slack(api, FAST, Pace(60_000, 100))
        try:
            who = await account(api)
            room = await rooms.enter(api, "#project-a")
            place = Place(room.id)
            (draft,) = slack.drafts(Answer("# Done\n\n* one\n* two"))
            plain = Draft(Verb.POST, draft.plain)
            ts = await slack.perform(Act("m-1", place, plain))
            reply = await slack.perform(Act("m-2", Place(room.id, ts), plain))
            assert await slack.find(Act("m-1", place, plain)) == ts
            assert await slack.find(Act("m-2", Place(room.id, ts), plain)) == reply
            assert await slack.find(Act("m-3", place, plain)) is None
            for draft in (*slack.mark(Mark.KEPT, None) * 2, *slack.mark(Mark.DONE, Mark.KEPT)):
                await slack.perform(Act("m", place, draft, target=ts))
            await slack.perform(Act("m", place, Draft(Verb.EDIT, {"text": "two"}), target=ts))
            file = await slack.perform(Act("m-4", place, Draft(Verb.UPLOAD, {"content": "all", "name": "answer.md"})))
            assert file
            reader = Reader(api, Pace(60_000, 100))
            said = await reader.since(room.id, order("1.000000"))
            assert said[0]["ts"] == ts
            assert said[0]["text"] == "two"
            assert [one["ts"] for one in await reader.since(room.id, order(ts), ts)] == [reply]
            await slack.perform(Act("m", Place(room.id), Draft(Verb.DELETE), target=reply))
            await slack.perform(Act("m", Place(room.id), Draft(Verb.DELETE), target=reply))
            with pytest.raises(Undeliverable):
                await slack.perform(Act("m-5", Place("C0000000"), plain))
            assert who.team
            assert await rooms.person(api, "@admin")
            assert not await rooms.person(api, "@nobody")
        finally:
            await slack.close()
