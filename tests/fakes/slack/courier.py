"""Envelopes: to one of an app's sockets each, again when not acknowledged; and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from tests.fakes.slack.faults import Fault, Faults
from tests.fakes.slack.ledger import Delivery, Ledger
from tests.fakes.slack.links import Links
from tests.fakes.slack.values import App, Json


@dataclass
class Timing:
    """Slack's own, to be shortened by tests. The ladder: how long after a missed ack each redelivery comes."""

    ack: float = 3.0
    ladder: tuple[float, ...] = (0.0, 60.0, 300.0)
    retry_unconnected: bool = False


class Courier:
    def __init__(self, links: Links, ledger: Ledger, faults: Faults, timing: Timing) -> None:
        self.faults = faults
        self._links = links
        self._ledger = ledger
        self._timing = timing
        self._turn = 0
        self._held: list[tuple[App, Json]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def send_event(self, app: App, payload: Json) -> None:
        """Deliver an event, with what goes wrong with it."""
        fault = self.faults.take("socket.event", payload)
        if fault is None:
            self._send_with_held(app, payload)
            return
        match fault.do:
            case "lose":
                return
            case "swap":
                self._held.append((app, payload))
            case "twice":
                self._send_with_held(app, payload)
                self._start(self._deliver(app, "events_api", payload))
            case "delay":
                self._start(self._later(app, payload, fault))
            case "drop" | "deaf":
                for socket in self._links.of(app):
                    socket.deaf = True
                    if fault.do == "drop":
                        socket.abort()
                self._start(self._deliver(app, "events_api", payload))
            case _:
                raise ValueError(f"socket.event does not take {fault.do}")

    def _send_with_held(self, app: App, payload: Json) -> None:
        held = [one for owner, one in self._held if owner is app]
        self._held = [(owner, one) for owner, one in self._held if owner is not app]
        for one in (payload, *held):
            self._start(self._deliver(app, "events_api", one))

    async def _later(self, app: App, payload: Json, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds)
        await self._deliver(app, "events_api", payload)

    def send_once(self, app: App, kind: str, payload: Json) -> None:
        """A button or a slash command: one envelope, never again."""
        self._start(self._deliver(app, kind, payload))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, app: App, kind: str, payload: Json) -> None:
        ladder = self._timing.ladder if kind == "events_api" else ()
        for attempt in range(len(ladder) + 1):
            if attempt:
                await asyncio.sleep(ladder[attempt - 1])
            if await self._try(app, kind, payload, attempt):
                return

    async def _try(self, app: App, kind: str, payload: Json, attempt: int) -> bool:
        """One attempt on one socket. True: no other is to follow."""
        loop = asyncio.get_running_loop()
        sockets = self._links.of(app)
        self._turn += 1
        socket = sockets[self._turn % len(sockets)] if sockets else None
        envelope_id = str(uuid.uuid4())
        number = socket.n if socket else None
        delivery = Delivery(len(self._ledger.deliveries) + 1, app.id, number, envelope_id, kind, payload, attempt)
        self._ledger.deliveries.append(delivery)
        self._ledger.changed()
        if socket is None:
            return attempt == 0 and not self._timing.retry_unconnected
        envelope: Json = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        acked = self._links.expect(envelope_id)
        try:
            if not socket.deaf:
                with contextlib.suppress(ConnectionError):
                    await socket.ws.send_str(json.dumps(envelope))
                    delivery.sent_at = loop.time()
            delivery.ack = await asyncio.wait_for(acked, self._timing.ack)
            delivery.acked_at = loop.time()
        except TimeoutError:
            return False
        finally:
            self._links.forget(envelope_id)
            self._ledger.changed()
        return True

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
