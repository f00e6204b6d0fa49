"""One socket to Slack that does not stay deaf: slack_sdk's client, supervised, and replaced by a new one when it is stuck."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from slack_sdk.socket_mode.aiohttp import SocketModeClient

from ccmux import steady
from ccmux.errors import DiskTrouble, GatewayError, NotNow, Rejected
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.manifest import SCOPES
from ccmux.gateways.slack.preflight import Account, account, ticket
from ccmux.gateways.slack.standing import Standing
from ccmux.gateways.slack.timing import Timing

_ENVELOPES: Final = frozenset({"events_api", "interactive", "slash_commands"})


Handle = Callable[[str, Mapping[str, Any]], Awaitable[None]]


class Socket:
    """Envelopes in the order of their arrival to `handle`, each acknowledged when that returned."""

    def __init__(
        self, api: Api, standing: Standing, timing: Timing, handle: Handle, joined: Callable[[], None]
    ) -> None:
        self._api, self._standing, self._timing = api, standing, timing
        self._handle, self._joined = handle, joined
        self._queue: asyncio.Queue[tuple[SocketModeClient, Mapping[str, Any]]] = asyncio.Queue()
        self._client: SocketModeClient | None = None
        self._hello = asyncio.Event()
        self._stuck = asyncio.Event()
        self._why = ""
        self._lacks: tuple[str, ...] = ()
        self._asked = 0.0
        """how long Slack asked us to wait"""
        self.account: Account | None = None
        self.up_since = float("inf")
        """by the wall clock"""

    async def run(self) -> None:
        """For ever. Raises Rejected when one of the two tokens is no good."""
        worker = asyncio.create_task(self._work())
        tries = 0
        try:
            while True:
                began = steady.now()
                why = await self._once()
                tries = 0 if steady.now() - began > self._timing.stable else tries + 1
                delay = min(self._timing.longest, self._timing.first * 2 ** min(tries - 1, 20)) if tries else 0.0
                delay = max(delay * random.uniform(0.5, 1.0), self._asked)  # noqa: S311 - jitter
                self._asked = 0.0
                self._standing.tell("down", why)
                self._api.log.warning("%s; a new connection in %.1f s", why, delay)
                await asyncio.sleep(delay)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    def replace(self, why: str) -> None:
        """Give the connection up for a new one."""
        self._why = why
        self._stuck.set()

    async def _once(self) -> str:
        """One client's life; why it ended."""
        try:
            self.account = await account(self._api)
            url = await ticket(self._api)
        except Rejected:
            raise
        except GatewayError as error:
            self._asked = error.after if isinstance(error, NotNow) else 0.0
            return error.what
        self._standing.account(str(self.account))
        if self._lacks != self.account.lacks:
            self._lacks = self.account.lacks
            for scope in self._lacks:
                self._api.log.info("the app lacks the scope %s: %s", scope, SCOPES[scope])
        client = self._made(url)
        try:
            return await self._life(client)
        finally:
            self._client, self.up_since = None, float("inf")
            await _ended(client, self._timing.close)

    def _made(self, url: str) -> SocketModeClient:
        client = SocketModeClient(
            self._api.tokens.app, logger=self._api.log, web_client=self._api.web, ping_interval=self._timing.ping
        )
        if self._api.loopback:
            client.proxy = None
        client.wss_uri = url
        client.message_listeners.append(self._came)  # type: ignore[arg-type]
        self._hello.clear()
        self._stuck.clear()
        self._client = client
        return client

    async def _life(self, client: SocketModeClient) -> str:
        connecting = asyncio.create_task(client.connect())  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(self._timing.connect):
                await self._hello.wait()
        except TimeoutError:
            return f"no connection within {self._timing.connect:.0f} s"
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
        looked, lost = steady.now(), 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stuck.wait(), self._timing.look)
            now = steady.now()
            if self._stuck.is_set():
                return self._why
            if now - looked > self._timing.look + self._timing.asleep:
                return f"the machine slept for {now - looked:.0f} s"
            looked = now
            if await client.is_connected():
                lost = 0.0
                continue
            lost = lost or now
            self._standing.tell("connecting", "the connection was lost")
            if now - lost >= self._timing.grace:
                return f"the connection did not come back within {self._timing.grace:.0f} s"

    async def _came(self, client: SocketModeClient, message: Mapping[str, Any], _raw: str | None) -> None:
        """Called in the order of arrival, in a task for each: nothing is awaited here."""
        if client is not self._client:
            return
        if message.get("type") == "hello":
            self._greeted(message)
        elif message.get("type") in _ENVELOPES:
            self._queue.put_nowait((client, message))

    def _greeted(self, message: Mapping[str, Any]) -> None:
        count = message.get("num_connections")
        rivals = max(count - 1, 0) if isinstance(count, int) else 0
        if self._standing.rivals(rivals) and rivals:
            self._api.log.warning(
                "%d other connections of this app take events away: another ccmux gateway on this machine or another,"
                " or another program with the same SLACK_APP_TOKEN",
                rivals,
            )
        self.up_since = time.time()
        self._standing.tell("connecting")  # also when it was up: between two connections something may have been missed
        self._standing.tell("up")
        self._hello.set()
        self._joined()

    async def _work(self) -> None:
        while True:
            client, message = await self._queue.get()
            try:
                await self._one(client, message)
            except DiskTrouble as error:
                self._standing.note("disk", error.what)
                self._api.log.warning("not acknowledged: %s", error.what)
            except GatewayError as error:
                self._api.log.info("not acknowledged: %s", error.what)
            except Exception:  # an envelope that we do not understand comes again, and ends no worker
                self._api.log.exception("not acknowledged")

    async def _one(self, client: SocketModeClient, message: Mapping[str, Any]) -> None:
        kind, payload = str(message["type"]), message.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        if kind != "events_api":
            await self._acknowledge(client, message)
        await self._handle(kind, payload)
        if kind == "events_api":
            self._standing.note("disk", "")
            await self._acknowledge(client, message)

    async def _acknowledge(self, client: SocketModeClient, message: Mapping[str, Any]) -> None:
        """Not by the client's own method, which may wait for ever. What is not acknowledged comes again."""
        session = client.current_session
        if session is None or session.closed:
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._timing.close):
                await session.send_str(json.dumps({"envelope_id": message.get("envelope_id")}))


async def _ended(client: SocketModeClient, within: float) -> None:
    """Whatever state it is in: nothing of it is left."""
    client.message_listeners.clear()
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.close(), within)  # type: ignore[no-untyped-call]
    tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
    left = [task for task in tasks if task is not None]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=within)
    with contextlib.suppress(Exception):
        await client.aiohttp_client_session.close()
