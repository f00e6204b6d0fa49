from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ccmux.errors import DiskTrouble
from ccmux.gateways.base import Room
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.pace import Pace
from ccmux.gateways.slack.timing import Timing
from ccmux.gateways.slack.tokens import Tokens
from ccmux.gateways.slack.transport import Slack
from ccmux.gateways.words import Act, Draft, Heard, Place, Press, Sender, Verb
from tests.fakes.slack import Bot, Channel, FakeSlack, Person
from tests.fakes.slack import Timing as Slacks

FAST = Timing(
    look=0.05,
    grace=0.4,
    connect=1.5,
    ping=0.3,
    close=0.3,
    asleep=5.0,
    first=0.02,
    longest=0.1,
    poll=3600.0,
    settle=0.0,
)


@dataclass
class Recorder:
    """An inlet that keeps what it is given in lists, and knows a key again."""

    heard: list[Heard] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    orders: list[tuple[str, Sender, Place]] = field(default_factory=list)
    listed: dict[str, Room] = field(default_factory=dict)
    caught: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    disk_troubles: int = 0
    reply: str = ""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    transport: Slack | None = None
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.open.set()

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.heard]

    async def put(self, heard: Heard) -> bool:
        await self.open.wait()
        if self.disk_troubles:
            self.disk_troubles -= 1
            raise DiskTrouble("the disk is full")
        if heard.key in {one.key for one in self.heard}:
            self.again.append(heard.key)
            return False
        self.heard.append(heard)
        await self._tell()
        return True

    async def press(self, press: Press) -> str:
        self.presses.append(press)
        await self._tell()
        return self.reply

    async def order(self, text: str, sender: Sender, place: Place) -> str:
        self.orders.append((text, sender, place))
        await self._tell()
        return self.reply

    async def rooms(self) -> Sequence[Room]:
        return list(self.listed.values())

    async def read_back(self, room: str, cursor: str) -> None:
        self.listed[room] = Room(room, cursor, self.listed[room].threads)

    def caught_up(self, room: str) -> None:
        self.caught.append(room)
        self._soon()

    def changed(self) -> None:
        if self.transport is not None:
            self.states.append(self.transport.health().state)
        self._soon()

    def _soon(self) -> None:
        self._task = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    async def until(self, predicate: Callable[[], object], within: float = 20.0) -> None:
        try:
            async with asyncio.timeout(within), self._moved:
                await self._moved.wait_for(predicate)
        except TimeoutError:
            health = self.transport.health() if self.transport else None
            raise TimeoutError(f"heard {self.texts[-10:]} states {self.states[-20:]} health {health}") from None


@dataclass
class World:
    """A Slack with one app, one person and one channel, and a transport that listens there."""

    slack: FakeSlack
    bot: Bot
    ann: Person
    room: Channel
    inlet: Recorder
    transport: Slack
    task: asyncio.Task[None] | None = None

    def listen(self) -> None:
        self.inlet.transport = self.transport
        self.task = asyncio.create_task(self.transport.run(self.inlet))

    async def up(self) -> None:
        self.listen()
        await self.inlet.until(lambda: self.transport.health().state == "up")
        await self.inlet.until(lambda: set(self.inlet.listed) <= set(self.inlet.caught))

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(BaseException):
                await self.task
        await self.transport.close()

    def bind(self, cursor: str = "000000000000.000000", *threads: str) -> None:
        self.inlet.listed[self.room.id] = Room(self.room.id, cursor, threads)

    def act(
        self, verb: Verb = Verb.POST, *, act_id: str = "m-1", target: str = "", thread: str = "", **body: Any
    ) -> Act:
        content = body or {"text": "hello"}
        draft = Draft(verb, content, {"text": "plain"})
        return Act(id=act_id, place=Place(self.room.id, thread), draft=draft, target=target)


def transport(slack: FakeSlack, bot: Bot, timing: Timing = FAST, patience: float = 2.0) -> Slack:
    api = Api(Tokens(bot.token, bot.app_token), slack.api_url, patience=patience)
    return Slack(api, timing, Pace(60_000, 100))


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "CCMUX_SLACK_API"):
        monkeypatch.delenv(name, raising=False)
    async with FakeSlack(timing=Slacks(ack=0.5, ladder=(0.0, 0.2, 0.4))) as slack:
        bot = slack.bot("ccmux", commands=["/ccmux"])
        ann = slack.person("ann")
        room = slack.channel("project-a", bot, ann)
        made = World(slack, bot, ann, room, Recorder(), transport(slack, bot))
        try:
            yield made
        finally:
            await made.stop()
