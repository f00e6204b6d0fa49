"""Slack as a kind of gateway: one app in one workspace, heard over Socket Mode, answered over the Web API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from ccmux.errors import GatewayError, NotNow, Rejected
from ccmux.gateways.base import Inlet
from ccmux.gateways.home import Home
from ccmux.gateways.slack import answers, drafts, events, files, post, presses, tokens
from ccmux.gateways.slack.api import REAL, Api
from ccmux.gateways.slack.back import Back
from ccmux.gateways.slack.pace import Pace
from ccmux.gateways.slack.preflight import account
from ccmux.gateways.slack.reader import Reader
from ccmux.gateways.slack.rooms import Names
from ccmux.gateways.slack.socket import Socket
from ccmux.gateways.slack.standing import Standing
from ccmux.gateways.slack.timing import Timing
from ccmux.gateways.words import Act, Caps, Draft, Health, Mark, Out, RemoteFile

_FAILED: Final = "That failed here, and nobody knows whether it was done. Look (`/ccmux status`), then do it again."
_DEAF: Final = 2
"""messages in a row that the socket did not bring"""


class Slack:
    """A Transport."""

    caps = Caps(edits=True, reactions=True, buttons=True, uploads=True, finds=True, typing=True, history=True)

    def __init__(self, api: Api, timing: Timing | None = None, pace: Pace | None = None) -> None:
        self.api = api
        self.identity = api.tokens.identity
        self._timing = timing or Timing()
        self._standing = Standing()
        self._names = Names(api, self._timing.names)
        self._reader = Reader(api, pace or Pace())
        self._back = Back(api, self._reader, self._standing, self._timing, self._known)
        self._back.missed = self._missed
        self._socket = Socket(api, self._standing, self._timing, self._handle, self._back.want)
        self._back.refused = self._socket.replace
        self._inlet: Inlet | None = None
        self._unheard = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._standing.changed = inlet.changed
        back = asyncio.create_task(self._back.run(inlet, self._own))
        try:
            await self._socket.run()
        except Rejected as error:
            self._standing.tell("credentials", error.what, error.fix)
            raise
        finally:
            left = [back, *self._tasks]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def perform(self, act: Act) -> str:
        return await post.perform(self.api, act)

    async def find(self, act: Act) -> str | None:
        own = self._own()
        if own is None:
            try:
                self._socket.account = await account(self.api)
            except Rejected:
                raise
            except GatewayError as error:
                raise NotNow(error.what) from None
            own = self._own()
        return await post.find(self._reader, own, act) if own else None

    async def fetch(self, file: RemoteFile, to: Path, most_bytes: int) -> None:
        await files.fetch(self.api, file, to, most_bytes)

    def drafts(self, out: Out) -> tuple[Draft, ...]:
        return drafts.drafts(out)

    def mark(self, mark: Mark, before: Mark | None) -> tuple[Draft, ...]:
        return drafts.mark(mark, before)

    def health(self) -> Health:
        return self._standing.health

    async def close(self) -> None:
        await self.api.close()

    def _own(self) -> events.Own | None:
        known = self._socket.account
        return events.Own(known.team, known.user, known.bot) if known else None

    async def _known(self, message: Mapping[str, Any]) -> Mapping[str, str]:
        return await self._names.of(events.people(message))

    async def _handle(self, kind: str, payload: Mapping[str, Any]) -> None:
        """One envelope. Returns when it may be acknowledged; a press and a command were acknowledged before."""
        self._standing.heard()
        if kind == "events_api":
            await self._event(payload)
        elif kind == "interactive":
            self._soon(self._press(payload), payload)
        else:
            self._soon(self._order(payload), payload)

    async def _event(self, payload: Mapping[str, Any]) -> None:
        event, own, inlet = payload.get("event"), self._own(), self._inlet
        if not isinstance(event, dict) or own is None or inlet is None:
            return
        self._unheard = 0
        if event.get("type") != "message":
            return
        if events.unnumbered(event):
            event = {**event, **await self._reader.metadata(event["channel"], event["ts"], event.get("thread_ts", ""))}
        said = events.heard(event, own, await self._known(event))
        if said is not None:
            await inlet.put(said)

    async def _press(self, payload: Mapping[str, Any]) -> None:
        found = presses.press(payload)
        if found is not None and self._inlet is not None:
            await answers.tell(self.api, payload, await self._inlet.press(found))

    async def _order(self, payload: Mapping[str, Any]) -> None:
        found = presses.command(payload)
        if found is not None and self._inlet is not None:
            told = await self._inlet.order(found.text, found.sender, found.place)
            await answers.tell(self.api, payload, told)

    def _soon(self, work: Coroutine[Any, Any, None], payload: Mapping[str, Any]) -> None:
        task = asyncio.create_task(self._guarded(work, payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], payload: Mapping[str, Any]) -> None:
        try:
            await work
        except Exception:  # it was acknowledged and does not come again: who waits for it must hear of it
            self.api.log.exception("a press or a command failed")
            await answers.tell(self.api, payload, _FAILED)

    def _missed(self, at: float) -> None:
        """The socket stands, and yet it did not bring that."""
        if self.health().rivals or not self._socket.up_since < at < time.time() - self._timing.late:
            return
        self._unheard += 1
        if self._unheard >= _DEAF:
            self._unheard = 0
            self._socket.replace(
                "the socket brings nothing, though messages were said (has the app the events message.channels,"
                " message.groups, message.im and message.mpim? ccmux slack manifest)"
            )


def make(home: Home, base_url: str = REAL) -> Slack:
    """Raises ConfigError where the tokens are not complete."""
    return Slack(Api(tokens.load(home), base_url))
