"""HTTP: finds token and arguments, lets faults happen, records, answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakes.slack import args, calls
from tests.fakes.slack.faults import Fault
from tests.fakes.slack.ledger import Request
from tests.fakes.slack.values import Json, Refusal

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack


def bearer(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


async def cut(request: web.Request) -> web.Response:
    """Close the connection; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.close()
    await asyncio.sleep(0)
    return web.Response()


class WebApi:
    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack

    async def api(self, request: web.Request) -> web.StreamResponse:
        """One call of a method."""
        name = request.match_info["method"]
        token = bearer(request)
        try:
            given = await args.read(request)
        except Refusal as refusal:
            return web.json_response({"ok": False, "error": refusal.error})
        token = str(given.pop("token", token) or token)
        record = self.record(name, token, given)
        grant = self._slack.world.grants.get(token)
        headers = {"Cache-Control": "private, no-cache", "x-slack-req-id": str(record.n)}
        if grant is not None:
            headers["x-oauth-scopes"] = ",".join(sorted(grant.scopes))
        if name in calls.METHODS and calls.METHODS[name].scopes:
            headers["x-accepted-oauth-scopes"] = ",".join(calls.METHODS[name].scopes)

        def effect() -> web.Response:
            try:
                if not token:
                    raise Refusal("not_authed")
                answer = calls.run(self._slack, name, grant, given)
                record.effect = True
                return web.json_response(answer, headers=headers)
            except Refusal as refusal:
                return self.refused(record, refusal, headers)

        return await self.spoiled(request, record, effect, headers)

    def record(self, name: str, token: str, given: Json) -> Request:
        ledger = self._slack.ledger
        record = Request(len(ledger.requests) + 1, self._slack.monotonic(), name, token, given)
        ledger.requests.append(record)
        ledger.changed()
        return record

    @staticmethod
    def refused(record: Request, refusal: Refusal, headers: dict[str, str]) -> web.Response:
        more = dict(refusal.more)
        if refusal.error == "ratelimited":
            headers = {**headers, "Retry-After": str(more.pop("retry_after"))}
        record.error = refusal.error
        body = {"ok": False, "error": refusal.error, **more}
        return web.json_response(body, status=429 if refusal.error == "ratelimited" else 200, headers=headers)

    async def spoiled(
        self,
        request: web.Request,
        record: Request,
        effect: Callable[[], web.Response],
        headers: dict[str, str] | None = None,
    ) -> web.StreamResponse:
        """Let the effect happen, or not, and answer, or not, as the faults say."""
        fault = self._slack.faults.take(record.method, {**record.args, "token": record.token})
        if fault is None:
            response: web.StreamResponse = effect()
        else:
            record.fault = fault.name
            self._slack.ledger.changed()
            if fault.do == "delay" and not fault.after:
                await self._slack.sleep(fault.seconds)
            done = effect() if fault.after or fault.do == "delay" else None
            self._slack.ledger.changed()
            response = await self._spoilt(request, record, fault, done, headers or {})
        record.status = response.status
        self._slack.ledger.changed()
        return response

    async def _spoilt(
        self, request: web.Request, record: Request, fault: Fault, done: web.Response | None, headers: dict[str, str]
    ) -> web.StreamResponse:
        match fault.do:
            case "drop":
                record.error = "(dropped)"
                return await cut(request)
            case "hang":
                record.error = "(hangs)"
                await self._slack.closing.wait()
                return await cut(request)
            case "status":
                record.error = f"(status {fault.status})"
                return web.Response(status=fault.status, text="upstream connect error", headers=headers)
            case "error":
                return self.refused(record, Refusal(fault.error), headers)
            case "limited":
                return self.refused(record, Refusal("ratelimited", retry_after=_whole(fault.seconds)), headers)
            case "delay" if done is not None:
                if fault.after:
                    await self._slack.sleep(fault.seconds)
                return done
        raise ValueError(f"{record.method} does not take {fault.do}")

    async def handshake(self, request: web.Request) -> web.StreamResponse:
        """A WebSocket, for a ticket that nobody has used: a refused handshake uses it as well."""
        app = self._slack.links.tickets.pop(request.query.get("ticket", ""), None)
        record = self.record("socket.handshake", app.token if app else "", dict(request.query))
        fault = self._slack.faults.take("socket.handshake", {"app_id": app.id if app else ""})
        if fault is not None:
            record.fault = fault.name
            if fault.do not in {"delay", "deaf"}:
                response = await self._spoilt(request, record, fault, None, {})
                record.status = response.status
                self._slack.ledger.changed()
                return response
            if fault.do == "delay":
                await self._slack.sleep(fault.seconds)
        if app is None or self._slack.world.grants[app.token].trouble:
            record.status = 408
            self._slack.ledger.changed()
            return web.Response(status=408)
        record.effect = True
        record.status = 101
        return await self._slack.links.serve(request, app, deaf=fault is not None and fault.do == "deaf")


def _whole(seconds: float) -> int:
    return max(1, int(seconds))
