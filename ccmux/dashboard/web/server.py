"""`ccmux dashboard --web`: the dashboard as a page, on 127.0.0.1 only, behind a token that is printed once.

Whoever has the token is given a cookie for it, which no script can read and no other site can have sent. Every request
must name this very host, every WebSocket come from this very page, and the page fetches nothing from elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import WSMsgType, web

from ccmux.dashboard.web.screen import WebDashboard
from ccmux.errors import CcmuxError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST: Final = "127.0.0.1"
_EACH: Final = 0.5
"""Seconds between two pictures, at least."""
_VIEWERS: Final = 8
_SAID: Final = 256 * 1024
_FILES: Final = Path(__file__).parent
_PAGES: Final = {"/page.js": ("page.js", "text/javascript"), "/page.css": ("page.css", "text/css")}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob:; connect-src 'self' ws://{host};"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Site:
    """One dashboard and those who look at it."""

    def __init__(self, dashboard: WebDashboard) -> None:
        self.dashboard = dashboard
        self.token = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self.port = 0
        self._viewers: set[web.WebSocketResponse] = set()
        self._picture = ""

    @property
    def host(self) -> str:
        """What every request must name."""
        return f"{_HOST}:{self.port}"

    @property
    def url(self) -> str:
        """With the token."""
        return f"http://{self.host}/?token={self.token}"

    @contextlib.asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[None]:
        """While the context lasts. Raises CcmuxError when the port is taken."""
        application = web.Application(middlewares=[self._guard])
        application.router.add_get("/", self._page)
        application.router.add_get("/screen", self._screen)
        for path in _PAGES:
            application.router.add_get(path, self._file)
        runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, _HOST, port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise CcmuxError(f"port {port} of {_HOST}: {error.strerror}", fix="ccmux dashboard --web") from error
        self.port = runner.addresses[0][1]
        try:
            async with asyncio.TaskGroup() as group:
                pushing = group.create_task(self._push())
                yield
                pushing.cancel()
        finally:
            for viewer in [*self._viewers]:
                await viewer.close()
            await runner.cleanup()

    # who may

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await self._admitted(request, handler)
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=error.reason)
        if not response.prepared:
            self._protect(response)
        return response

    def _protect(self, response: web.StreamResponse) -> None:
        response.headers.update({name: value.replace("{host}", self.host) for name, value in _HEADERS.items()})

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Host") != self.host:
            raise web.HTTPForbidden(reason="another host is meant")
        given = request.query.get("token")
        if request.path == "/" and given is not None:
            if not _same(given, self.token):
                raise web.HTTPForbidden(reason="the token is wrong")
            seen = web.Response(status=303, headers={"Location": "/"})
            seen.set_cookie(self._name, self._cookie, httponly=True, samesite="Strict", path="/")
            return seen
        if not _same(request.cookies.get(self._name, ""), self._cookie):
            raise web.HTTPForbidden(reason="open the address that ccmux dashboard --web printed")
        return await handler(request)

    @property
    def _name(self) -> str:
        """Cookies know no ports: each server has its own."""
        return f"ccmux-{self.port}"

    # what there is

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=(_FILES / "page.html").read_bytes(), content_type="text/html", charset="utf-8")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name, kind = _PAGES[request.path]
        return web.Response(body=(_FILES / name).read_bytes(), content_type=kind, charset="utf-8")

    async def _screen(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Origin") != f"http://{self.host}":
            raise web.HTTPForbidden(reason="another page asks")
        if len(self._viewers) >= _VIEWERS:
            raise web.HTTPServiceUnavailable(reason="too many look on already")
        viewer = web.WebSocketResponse(max_msg_size=_SAID, heartbeat=30.0)
        self._protect(viewer)
        await viewer.prepare(request)
        self._viewers.add(viewer)
        try:
            await viewer.send_str(self._picture or self._take())
            async for message in viewer:
                if message.type is WSMsgType.TEXT:
                    with contextlib.suppress(ValueError, RecursionError):
                        self.dashboard.take(json.loads(message.data))
        except ConnectionError:
            pass
        finally:
            self._viewers.discard(viewer)
        return viewer

    def _take(self) -> str:
        self._picture = self.dashboard.picture()
        return self._picture

    async def _push(self) -> None:
        """A new picture when there is one, and somebody to see it."""
        changed = self.dashboard.looks_different
        while True:
            await changed.wait()
            await asyncio.sleep(0.05)  # what belongs together is drawn together
            changed.clear()
            self._picture = ""
            if self._viewers:
                picture = self._take()
                await asyncio.gather(*(_send(viewer, picture) for viewer in [*self._viewers]))
            await asyncio.sleep(_EACH)


async def _send(viewer: web.WebSocketResponse, picture: str) -> None:
    with contextlib.suppress(ConnectionError, TimeoutError, RuntimeError):
        async with asyncio.timeout(5):
            await viewer.send_str(picture)


def _same(given: str, known: str) -> bool:
    return secrets.compare_digest(given.encode(), known.encode())


async def _serve(port: int) -> None:
    dashboard = WebDashboard()
    running = asyncio.create_task(dashboard.run_async(size=(140, 40)))
    try:
        site = Site(dashboard)
        async with site.serving(port):
            words = f"{site.url}\nonly this machine can open it; Ctrl+C, or q in it, ends it"
            print(words, file=sys.__stdout__, flush=True)
            await asyncio.shield(running)
    finally:
        if not running.done():
            dashboard.exit()
            await running


def serve(port: int) -> None:
    """Until the dashboard is left. Port 0: any that is free."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(port))
