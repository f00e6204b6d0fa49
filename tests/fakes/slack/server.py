"""The stand-in as an object: a server on 127.0.0.1 in the running loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import uuid
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.slack import methods_chat, methods_conversations, methods_rest  # noqa: F401
from tests.fakes.slack.acts import Acts
from tests.fakes.slack.courier import Courier, Timing
from tests.fakes.slack.faults import Faults
from tests.fakes.slack.feed import Feed
from tests.fakes.slack.ledger import Ledger, Post
from tests.fakes.slack.links import Links, Socket
from tests.fakes.slack.methods_files import FileHost
from tests.fakes.slack.people import Person
from tests.fakes.slack.responses import Responses
from tests.fakes.slack.values import SCOPES, App, Bot, Channel, Json, Kind, Message, Team
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.world import World

HOST = "127.0.0.1"
LARGEST = 64 * 1024 * 1024


class FakeSlack:
    """Used within `async with`; what people do is done by plain methods, and told to apps in the background.

    `post_interval` 1.0 holds apps to one post a second and channel, as Slack does.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        timing: Timing | None = None,
        post_interval: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.timing = timing or Timing()
        self.post_interval = post_interval
        self.monotonic = time.monotonic
        self.world = World(clock)
        self.ledger = Ledger()
        self.faults = Faults(seed)
        self.links = Links(self.ledger)
        self.courier = Courier(self.links, self.ledger, self.faults, self.timing)
        self.acts = Acts(self.world, Feed(self.world, self.courier), self.ledger, self.monotonic)
        self.responses = Responses(self)
        self.closing = asyncio.Event()
        self.port = port
        self._runner: web.AppRunner | None = None
        self._site: web.SockSite | None = None
        self._reserved: socket.socket | None = None
        self._waker: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    async def __aenter__(self) -> Self:
        self._reserve()
        api = WebApi(self)
        files = FileHost(self, api)
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("*", "/api/{method}", api.api)
        app.router.add_get("/link/", api.handshake)
        app.router.add_post("/upload/v1/{ticket}", files.upload)
        app.router.add_get("/files-pri/{file}/download/{name}", files.download)
        app.router.add_get("/files-pri/{file}/{name}", files.download)
        app.router.add_post("/actions/{id}", self.responses.take)
        app.router.add_get("/", files.login)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        self._waker = asyncio.create_task(self.ledger.wake())
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        await self.courier.close()
        self.links.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._waker is not None:
            self._waker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._waker
        if self._reserved is not None:
            self._reserved.close()

    def _reserve(self) -> None:
        """Hold the port without listening on it: who connects is refused."""
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((HOST, self.port))
        self.port = self._reserved.getsockname()[1]

    async def up(self) -> None:
        if self._site is None and self._runner is not None and self._reserved is not None:
            self._site = web.SockSite(self._runner, self._reserved)
            self._reserved = None
            await self._site.start()

    async def down(self) -> None:
        """Cut all connections and refuse new ones, until `up`. People go on meanwhile."""
        if self._site is None or self._runner is None:
            return
        await self._site.stop()
        self._site = None
        self._reserve()
        for one in list(self.links.sockets):
            one.abort()
        for connection in self._runner.server.connections if self._runner.server else []:
            if connection.transport is not None:
                connection.transport.abort()
        await self.wait_for(lambda: not self.links.sockets)

    async def sleep(self, seconds: float) -> None:
        """Wait, but not past the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)

    def team(self, name: str = "acme") -> Team:
        return next((t for t in self.world.teams.values() if t.name == name), None) or self.world.team(name)

    def bot(
        self,
        name: str,
        team: Team | None = None,
        *,
        scopes: Iterable[str] = SCOPES,
        events: Iterable[str] | None = None,
        commands: Iterable[str] = (),
        app: App | None = None,
    ) -> Bot:
        """A new app, or one that is there, installed in a team."""
        return self.world.install(app or self.world.app(name, events, commands), team or self.team(), scopes)

    def person(self, name: str, team: Team | None = None) -> Person:
        return Person(self, self.world.user(team or self.team(), name))

    def channel(self, name: str, *members: Bot | Person, kind: Kind = "channel", team: Team | None = None) -> Channel:
        return self.world.open_channel(team or self.team(), name, kind, {member.user.id for member in members})

    def posts(self, channel: Channel | str) -> list[Post]:
        """All that apps have posted there, edited and deleted ones too."""
        name = channel if isinstance(channel, str) else channel.id
        return [post for post in self.ledger.posts if post.channel == name]

    def calls(self, method: str) -> list[Any]:
        return [request for request in self.ledger.requests if request.method == method]

    def messages(self, channel: Channel) -> list[Message]:
        return list(channel.messages.values())

    def sockets(self, bot: Bot) -> list[Socket]:
        return self.links.of(bot.app)

    def acked(self, bot: Bot) -> list[Json]:
        """The payloads that its app has acknowledged, as often as it did."""
        return [d.payload for d in self.ledger.deliveries if d.app == bot.app.id and d.acked_at is not None]

    async def wait_for(self, predicate: Callable[[], Any], timeout: float = 30.0) -> Any:  # noqa: ASYNC109
        return await self.ledger.wait_for(predicate, timeout)

    async def disconnect(self, bot: Bot, reason: str = "refresh_requested") -> None:
        """Send `disconnect` on every socket of the bot's app."""
        for one in self.sockets(bot):
            await self.links.disconnect(one, reason)

    def cut(self, bot: Bot) -> None:
        """Abort every socket of the bot's app."""
        for one in self.sockets(bot):
            one.abort()

    def deafen(self, bot: Bot) -> None:
        """Let every socket of the bot's app go half-open."""
        for one in self.sockets(bot):
            one.deaf = True

    def revoke(self, token: str, error: str = "token_revoked") -> None:
        """From now on the token meets that error; an empty one makes it good again."""
        self.world.grants[token].trouble = error

    def lag(self, *, seconds: float = 0.0, reads: int = 0) -> None:
        """History shows what is posted from now on only after so many seconds and so many reads that miss it."""
        self.acts.lag_seconds, self.acts.lag_reads = seconds, reads

    def new_trigger(self, app: App, channel: Channel, ts: str) -> tuple[str, str]:
        """A trigger_id and a response_url."""
        name = self.responses.open(app, channel, ts)
        return f"{uuid.uuid4().int % 10**12}.{uuid.uuid4().hex}", f"{self.url}/actions/{name}"
