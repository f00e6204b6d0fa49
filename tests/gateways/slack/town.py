"""A Slack in a thread of its own, and gateways to it as processes: what a synchronous test of a whole person's day needs."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ccmux.gateways.config import Access, Binding, GatewaySpec
from tests.fakes.slack import Bot, Channel, FakeSlack, Message, Person, Timing
from tests.gateways.process import GatewayProcess
from tests.rig import Rig, until

T = TypeVar("T")
LAUNCHER = Path(__file__).parent / "launcher.py"


class Town:
    """The stand-in of Slack. Everything is done in its loop: `do(lambda slack: …)`."""

    def __init__(self, seed: int = 0) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()
        self._seed = seed
        self._thread = threading.Thread(target=self._run, name="slack")
        self._thread.start()
        assert self._ready.wait(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._live())
        self._loop.close()

    async def _live(self) -> None:
        timing = Timing(ack=1.0, ladder=(0.3, 0.6, 1.0))
        async with FakeSlack(seed=self._seed, timing=timing) as self.slack:
            self._ready.set()
            await self._end.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)

    def do(self, what: Callable[[FakeSlack], T]) -> T:
        async def work() -> T:
            return what(self.slack)

        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(60)

    def wait(self, what: Callable[[FakeSlack], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what(self.slack), self._loop).result(60)

    def bot(self, name: str) -> Bot:
        return self.do(lambda slack: slack.bot(name))

    def person(self, name: str) -> Person:
        return self.do(lambda slack: slack.person(name))

    def channel(self, name: str, *members: Bot | Person) -> Channel:
        return self.do(lambda slack: slack.channel(name, *members))

    def post(self, person: Person, channel: Channel, text: str) -> Message:
        return self.do(lambda _: person.post(channel, text))

    def thread(self, channel: Channel, root: str) -> list[dict[str, Any]]:
        """What stands in a thread now, without the message that began it."""
        said = self.do(lambda slack: list(slack.messages(channel)))
        return [one.data for one in said if one.data.get("thread_ts") == root and one.ts != root]


class Gateway(GatewayProcess):
    """One gateway process to the town."""

    def __init__(self, rig: Rig, town: Town, bot: Bot, name: str = "slack", *, hurry: bool = True) -> None:
        argv = [sys.executable, str(LAUNCHER), name] if hurry else [sys.executable, "-m", "ccmux", "gateway", name]
        super().__init__(rig, name, argv, GatewaySpec(channel="slack"), CCMUX_SLACK_API=town.slack.api_url)
        (self.path / ".env").write_text(f"SLACK_BOT_TOKEN={bot.token}\nSLACK_APP_TOKEN={bot.app_token}\n")
        (self.path / ".env").chmod(0o600)

    def let_in(self, *people: Person, operators: tuple[Person, ...] = ()) -> None:
        team = (*people, *operators)[0].user.team.id
        ids = tuple(one.id for one in people)
        self.configure(access=Access(teams=(team,), users=ids, operators=tuple(one.id for one in operators)))

    def bind(self, room: Channel | str, instance: str) -> None:
        found = room if isinstance(room, str) else room.id
        self.configure(bind=(*self.spec.bind, Binding(found, instance)))

    def up(self) -> None:
        """Wait until it is connected."""
        until(lambda: self.health().get("state") == "up", f"the gateway is up\n{self.log()[-3000:]}")

    def health(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.path / "health.json").read_text()))
        except FileNotFoundError:
            return {}
