"""What happened, in order, and waiting for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack.values import Json


@dataclass
class Request:
    """One call of the Web API. `error` is empty for `ok`; `effect` says whether it was carried out, whatever was answered."""

    n: int
    at: float
    method: str
    token: str
    args: Json
    fault: str = ""
    status: int = 0
    error: str = ""
    effect: bool = False


@dataclass(frozen=True)
class Post:
    """A message that an app posted by chat.postMessage or a file; kept as it was posted, though it be edited or deleted."""

    channel: str
    bot_id: str
    ts: str
    message: Json
    metadata: Json | None


@dataclass
class Delivery:
    """One envelope that was to go to an app, and what came of it; times are the loop's."""

    n: int
    app: str
    socket: int | None
    envelope_id: str
    kind: str
    payload: Json
    attempt: int
    sent_at: float | None = None
    acked_at: float | None = None
    ack: Json | None = None


@dataclass(frozen=True)
class Ack:
    """An acknowledgement as it came; `in_time` is false for one that nobody waited for any more."""

    envelope_id: str
    socket: int
    at: float
    in_time: bool


@dataclass
class Ledger:
    requests: list[Request] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)
    statuses: list[Json] = field(default_factory=list)
    views: list[Json] = field(default_factory=list)
    ephemerals: list[Json] = field(default_factory=list)
    responses: list[Json] = field(default_factory=list)
    condition: asyncio.Condition = field(default_factory=asyncio.Condition)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)

    def changed(self) -> None:
        self._dirty.set()

    async def wake(self) -> None:
        """Tell those who wait of every change; runs for as long as the stand-in does."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            async with self.condition:
                self.condition.notify_all()

    async def wait_for(self, predicate: Callable[[], Any], timeout: float = 30.0) -> Any:  # noqa: ASYNC109
        """Wait until `predicate()` is true, and give what it gave; TimeoutError tells the last things that happened."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout), self.condition:
                return await self.condition.wait_for(predicate)
        calls = [
            f"{r.method}{'!' + r.error if r.error else ''}{'~' + r.fault if r.fault else ''}" for r in self.requests
        ]
        acks = [f"{d.kind}#{d.attempt}{'' if d.acked_at is None else ' acked'}" for d in self.deliveries]
        raise TimeoutError(f"not within {timeout} s; calls: {calls[-20:]}; deliveries: {acks[-20:]}")
