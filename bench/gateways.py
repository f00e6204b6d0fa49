"""What a gateway costs, and how long a word takes through it, beside the bare client of Slack."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import Any

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bench.measures import MS, RUNS, cpu_of, judged, open_rig, pss_of
from bench.table import Row
from tests.fakes.slack import Bot, Channel, FakeSlack, Person
from tests.gateways.slack.town import Gateway, Town
from tests.rig import Rig, until

_IDLE = 20.0
_FIVE = 5


def gateways() -> list[Row]:
    """One gateway as it is installed, with five instances bound; a stand-in of Slack on loopback."""
    town = Town()
    try:
        with open_rig() as rig:
            return _gateways(rig, town)
    finally:
        town.close()


def _gateways(rig: Rig, town: Town) -> list[Row]:
    rig.standin.default({"text": "ok", "delay": 0.5})
    bot, anna = town.bot("ccmux"), town.person("anna")
    gateway = Gateway(rig, town, bot, hurry=False)
    gateway.let_in(anna)
    rooms = []
    for number in range(_FIVE):
        rig.new(f"p{number}")
        rooms.append(town.channel(f"p{number}", bot, anna))
        gateway.bind(rooms[-1], f"p{number}")
    gateway.start()
    try:
        gateway.up()
        heard, posted = _through(rig, town, anna, rooms[0], gateway)
        assert gateway.process is not None
        time.sleep(3)
        before, began = cpu_of(gateway.process.pid), time.monotonic()
        time.sleep(_IDLE)
        load = (cpu_of(gateway.process.pid) - before) / (time.monotonic() - began) * 100
        memory = pss_of(gateway.process.pid)
    finally:
        gateway.kill()
    bare_heard, bare_posted = town.wait(lambda slack: _bare(slack, anna, rooms[0]))
    cpu = Row("gateway of Slack, five instances bound: CPU idle, 20 s", [load], "% of a core", "≤ 0.5 %")
    return [
        Row(
            "Slack event → committed by the instance, beside the bare client hearing it",
            heard,
            "ms",
            "–",
            bare_heard,
        ),
        Row(
            "reply committed by the instance → at Slack, beside the bare client's call",
            posted,
            "ms",
            "–",
            bare_posted,
        ),
        Row("gateway of Slack, five instances bound: memory (PSS)", [memory], "MB", "–"),
        judged(cpu, load <= 0.5),
    ]


def _through(rig: Rig, town: Town, anna: Person, room: Channel, gateway: Gateway) -> tuple[list[float], list[float]]:
    """Milliseconds each way, for messages one after the other."""
    heard, posted = [], []
    for number in range(RUNS):
        said = time.time()
        root = town.post(anna, room, f"message {number}").ts
        until(lambda root=root: town.thread(room, root), f"answered\n{gateway.log()[-2000:]}")  # type: ignore[misc]
        received, replied = _journal(rig, f"message {number}")
        heard.append((received - said) * MS)
        arrived = town.do(lambda slack: [one.at for one in slack.calls("chat.postMessage") if one.effect][-1])
        now, clock = town.do(lambda slack: (slack.monotonic(), time.time()))
        posted.append((clock - (now - arrived) - replied) * MS)
        time.sleep(1.2)  # one post a second and room is all that Slack allows
    return heard, posted


def _journal(rig: Rig, text: str) -> tuple[float, float]:
    with closing(sqlite3.connect(f"{rig.paths('p0').journal.as_uri()}?mode=ro", uri=True)) as db:
        query = "SELECT received_at, created_at FROM inbox JOIN outbox ON reply_to = inbox.id WHERE inbox.text = ?"
        row = db.execute(query, (text,)).fetchone()
    return float(row[0]), float(row[1])


async def _bare(slack: FakeSlack, anna: Person, room: Channel) -> tuple[list[float], list[float]]:
    """The client's listener alone, and one call of its Web API alone."""
    bot: Bot = slack.bot("bare")
    slack.acts.join(room, bot.user)
    heard: asyncio.Queue[float] = asyncio.Queue()
    web = AsyncWebClient(bot.token, base_url=slack.api_url, retry_handlers=[])
    client = SocketModeClient(bot.app_token, web_client=web, ping_interval=5)

    async def came(_client: object, message: dict[str, Any], _raw: str | None) -> None:
        if message.get("type") == "events_api":
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=message["envelope_id"]))
            await heard.put(time.time())

    client.message_listeners.append(came)
    await client.connect()  # type: ignore[no-untyped-call]
    first, second = [], []
    for number in range(RUNS):
        began = time.time()
        anna.post(room, f"bare {number}")
        first.append((await heard.get() - began) * MS)
        began = time.time()
        await web.chat_postMessage(channel=room.id, text="hello")
        second.append((time.time() - began) * MS)
        await asyncio.sleep(0.05)
        while not heard.empty():
            heard.get_nowait()
    await client.close()  # type: ignore[no-untyped-call]
    return first, second
