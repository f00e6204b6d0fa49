"""A person with a Slack of their own: the stand-in runs in a thread beside the test."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from ccmux.locks import held
from ccmux.standin import StandIn
from tests.double.install import install
from tests.fakes.slack import FakeSlack
from tests.rig import Rig, alive, kill, until

T = TypeVar("T")


class Thread:
    """A loop of its own, and the stand-in in it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slack")
        self._thread.start()
        self.slack: FakeSlack = self.wait(self._open())

    def do(self, act: Callable[[FakeSlack], T]) -> T:
        """In its loop."""

        async def work() -> T:
            return act(self.slack)

        return self.wait(work())

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _open(self) -> FakeSlack:
        return await FakeSlack().__aenter__()

    def close(self) -> None:
        self.wait(self.slack.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


class Office(Rig):
    def __init__(self, home: Path, standin: StandIn) -> None:
        super().__init__(home, standin, home / "nowhere")
        install(home / "bin" / "claude")
        self.thread = Thread()
        self.bot = self.thread.do(lambda slack: slack.bot("ccmux"))
        self.ann = self.thread.do(lambda slack: slack.person("ann"))
        self.env |= {"CCMUX_MANAGER": "none", "CCMUX_SLACK_API": self.thread.slack.api_url}
        self.tokens = {"SLACK_BOT_TOKEN": self.bot.token, "SLACK_APP_TOKEN": self.bot.app_token}
        self.gateways = home / ".local" / "share" / "ccmux" / "gateways"

    def set_up(self, *words: str) -> str:
        """The shared app, by the environment."""
        self.env |= self.tokens
        try:
            return self.run("slack", "setup", *words, "--from-env")
        finally:
            for key in self.tokens:
                del self.env[key]

    def instance(self, name: str) -> None:
        self.run("new", name, "--no-start", "--dir", str(self.project(name)))

    def room(self, name: str, *, joined: bool = True, kind: Any = "channel") -> str:
        """The id of a channel that is there."""
        members = (self.bot, self.ann) if joined else (self.ann,)
        return self.thread.do(lambda slack: slack.channel(name, *members, kind=kind)).id

    def gateway(self, name: str = "slack") -> dict[str, Any]:
        """As `gateway ls` tells it."""
        (one,) = [one for one in self.json("gateway", "ls")["gateways"] if one["name"] == name]
        return dict(one)

    def pid(self, name: str = "slack", *, lock: str = "gateway.lock") -> int:
        """Of the gateway, or of its keeper; 0 when there is none."""
        path = self.gateways / name / lock
        return int(path.read_text() or 0) if held(path) else 0

    def close(self) -> None:
        for lock in ("keeper.lock", "gateway.lock"):
            for path in self.gateways.glob(f"*/{lock}"):
                with contextlib.suppress(ValueError):
                    pid = int(path.read_text())
                    if held(path):
                        kill(pid, signal.SIGKILL)
                        until(lambda pid=pid: not alive(pid), "it has ended")  # type: ignore[misc]
        super().close()
        self.thread.close()
