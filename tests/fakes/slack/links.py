"""Socket Mode: tickets, sockets, and the acknowledgements that come in on them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import uuid
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.fakes.slack.ledger import Ack, Ledger
from tests.fakes.slack.values import App, Json

MOST_SOCKETS = 10


@dataclass(eq=False)
class Socket:
    """`deaf`: half-open: nothing is sent, answered or heard any more, though the connection stands."""

    n: int
    app: App
    ws: web.WebSocketResponse
    request: web.Request
    deaf: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def abort(self) -> None:
        """Cut the connection without a word."""
        self.gone.set()
        if self.request.transport is not None:
            self.request.transport.abort()


class Links:
    def __init__(self, ledger: Ledger) -> None:
        self.sockets: list[Socket] = []
        self.tickets: dict[str, App] = {}
        self._ledger = ledger
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    def of(self, app: App) -> list[Socket]:
        return [socket for socket in self.sockets if socket.app is app]

    def new_ticket(self, app: App) -> str:
        ticket = uuid.uuid4().hex
        self.tickets[ticket] = app
        return ticket

    async def serve(self, request: web.Request, app: App, *, deaf: bool = False) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(autoping=False, autoclose=False)
        await ws.prepare(request)
        socket = Socket(next(self._numbers), app, ws, request)
        mine = [*self.of(app), socket]
        if len(mine) > MOST_SOCKETS:
            await self.disconnect(mine[0], "too_many_websockets")
        self.sockets.append(socket)
        hello = {
            "type": "hello",
            "num_connections": len(self.of(app)),
            "debug_info": {"host": f"applink-{socket.n}", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": app.id},
        }
        try:
            await ws.send_str(json.dumps(hello))
            socket.deaf = deaf
            self._ledger.changed()
            await self._listen(socket)
        except ConnectionError:
            pass
        finally:
            self.sockets.remove(socket)
            self._ledger.changed()
        return ws

    async def _listen(self, socket: Socket) -> None:
        while True:
            message = await socket.ws.receive()
            if message.type in {WSMsgType.CLOSED, WSMsgType.ERROR}:
                return
            if socket.deaf:
                if message.type is WSMsgType.CLOSE:
                    await socket.gone.wait()
                    return
                continue
            if message.type is WSMsgType.CLOSE:
                await socket.ws.close()
                return
            if message.type is WSMsgType.PING:
                await socket.ws.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._acked(socket, message.data)

    def _acked(self, socket: Socket, text: str) -> None:
        with contextlib.suppress(ValueError, AttributeError):
            ack = json.loads(text)
            name = str(ack.get("envelope_id"))
            waiting = self._waiting.get(name)
            in_time = waiting is not None and not waiting.done()
            self._ledger.acks.append(Ack(name, socket.n, asyncio.get_running_loop().time(), in_time))
            self._ledger.changed()
            if waiting is not None and in_time:
                waiting.set_result(ack)

    def expect(self, envelope_id: str) -> asyncio.Future[Json]:
        """Where the acknowledgement of that envelope will be; who asks says `forget` when it is no longer in time."""
        self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        return self._waiting[envelope_id]

    def forget(self, envelope_id: str) -> None:
        del self._waiting[envelope_id]

    async def disconnect(self, socket: Socket, reason: str) -> None:
        """Ask a client to go: warning, refresh_requested, too_many_websockets, link_disabled (hangs up at once)."""
        told = {"type": "disconnect", "reason": reason, "debug_info": {"host": f"applink-{socket.n}"}}
        with contextlib.suppress(ConnectionError):
            await socket.ws.send_str(json.dumps(told))
            if reason == "link_disabled":
                await socket.ws.close()

    def close(self) -> None:
        for socket in list(self.sockets):
            socket.abort()
