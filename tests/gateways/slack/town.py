"""A Slack in a thread of its own, and gateways to it as processes: what a synchronous test of a whole person's day needs."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ccmux.gateways.config import Access, Binding, GatewaySpec, change
from tests.fakes.slack import Bot, Channel, FakeSlack, Message, Person, Timing
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


class Gateway:
    """One gateway process to the town."""

    def __init__(self, rig: Rig, town: Town, bot: Bot, name: str = "slack", *, hurry: bool = True) -> None:
        self.rig, self.town, self.bot, self.name = rig, town, bot, name
        self.path = rig.home / ".local" / "share" / "ccmux" / "gateways" / name
        self.path.mkdir(parents=True)
        (self.path / ".env").write_text(f"SLACK_BOT_TOKEN={bot.token}\nSLACK_APP_TOKEN={bot.app_token}\n")
        (self.path / ".env").chmod(0o600)
        self.spec = GatewaySpec(channel="slack")
        self.argv = [sys.executable, str(LAUNCHER), name] if hurry else [sys.executable, "-m", "ccmux", "gateway", name]
        self.process: subprocess.Popen[bytes] | None = None
        self.lives = 0

    def let_in(self, *people: Person, operators: tuple[Person, ...] = ()) -> None:
        team = (*people, *operators)[0].user.team.id
        ids = tuple(one.id for one in people)
        self.configure(access=Access(teams=(team,), users=ids, operators=tuple(one.id for one in operators)))

    def bind(self, room: Channel | str, instance: str) -> None:
        found = room if isinstance(room, str) else room.id
        self.configure(bind=(*self.spec.bind, Binding(found, instance)))

    def configure(self, **changes: Any) -> None:
        self.spec = msgspec.structs.replace(self.spec, **changes)
        change(self.path / "gateway.toml", self.spec)

    def start(self) -> None:
        env = self.rig.env | {"CCMUX_HOME": str(self.rig.home), "CCMUX_SLACK_API": self.town.slack.api_url}
        with (self.rig.home / f"{self.name}.err").open("ab") as said:
            self.process = subprocess.Popen(self.argv, env=env, stderr=said, stdout=said)
        self.lives += 1
        process = self.process
        until(lambda: f"runs as {process.pid}" in self.log() or process.poll() is not None, "the gateway runs")
        assert process.poll() is None, self.log()

    def up(self) -> None:
        """Wait until it is connected."""
        until(lambda: self.health().get("state") == "up", f"the gateway is up\n{self.log()[-3000:]}")

    def health(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.path / "health.json").read_text()))
        except FileNotFoundError:
            return {}

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(60) == 0, self.log()
            self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self) -> str:
        files = [self.rig.home / f"{self.name}.err", self.path / "gateway.log"]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())
