"""Slack's Web API by the real client, once and never twice by itself, with errors of ours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ccmux.errors import UsageError
from ccmux.gateways.slack.outcome import code, outcome
from ccmux.gateways.slack.tokens import Tokens, logger

REAL: Final = "https://slack.com/api/"
VARIABLE: Final = "CCMUX_SLACK_API"
"""Another base of the Web API, for tests: a loopback address only, for the tokens go there."""
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_PAGE: Final = 200


def base(given: str) -> str:
    """The base that counts. Raises UsageError for one that is neither Slack's own nor on this machine."""
    url = os.environ.get(VARIABLE) or given
    if url != REAL and urlsplit(url).hostname not in _LOOPBACK:
        raise UsageError(
            f"{VARIABLE} must be an address of this machine, as http://127.0.0.1:8080/api/", fix=f"unset {VARIABLE}"
        )
    return url if url.endswith("/") else url + "/"


class Api:
    """One app's Web API."""

    def __init__(self, tokens: Tokens, base_url: str = REAL, *, patience: float = 30.0) -> None:
        self.tokens = tokens
        self.base_url = base(base_url)
        self.log = logger(tokens)
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None
        self._web: AsyncWebClient | None = None

    @property
    def loopback(self) -> str:
        """The host and port of the tests' Slack; empty for the real one."""
        return "" if self.base_url == REAL else urlsplit(self.base_url).netloc

    def own(self, url: str, *hosts: str) -> bool:
        """Whether the address is at one of these hosts of Slack's (or, in tests, at the stand-in)."""
        parts = urlsplit(url)
        if self.loopback:
            return parts.hostname in _LOOPBACK and parts.scheme == "http"
        return parts.scheme == "https" and parts.netloc in hosts

    @property
    def session(self) -> aiohttp.ClientSession:
        """Of one event loop; made when it is first needed."""
        if self._session is None or self._session.closed:
            limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=self._patience)
            self._session = aiohttp.ClientSession(timeout=limits, trust_env=not self.loopback)
            self._web = None
        return self._session

    @property
    def web(self) -> AsyncWebClient:
        """It tries nothing twice: that is for who knows whether it is harmless."""
        session = self.session
        if self._web is None:
            self._web = AsyncWebClient(
                self.tokens.bot, base_url=self.base_url, session=session, retry_handlers=[], logger=self.log
            )
            if self.loopback:
                self._web.proxy = None
        return self._web

    async def call(self, method: str, *, harmless: bool, done: str = "", **arguments: object) -> Mapping[str, Any]:
        """One method by its name in the client (`chat_postMessage`). Raises a GatewayError.

        `done` is the error by which Slack says that all is as it should be.
        """
        data, _ = await self.call_with_headers(method, harmless=harmless, done=done, **arguments)
        return data

    async def call_with_headers(
        self, method: str, *, harmless: bool, done: str = "", **arguments: object
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """The same, with the headers of the answer."""
        try:
            async with asyncio.timeout(self._patience):
                answer = await getattr(self.web, method)(**arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody must be told what became of the call
            if done and isinstance(error, SlackApiError) and code(error.response) == done:
                return {}, {}
            raise outcome(error, method.replace("_", "."), harmless=harmless) from None
        headers = {key.lower(): value for key, value in (answer.headers or {}).items()}
        return answer.data if isinstance(answer.data, dict) else {}, headers

    async def pages(self, method: str, key: str, **arguments: object) -> AsyncIterator[list[dict[str, Any]]]:
        """The lists under `key`, page after page, of a method that only reads."""
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            data = await self.call(
                method, harmless=True, **cast("dict[str, Any]", {"limit": _PAGE, **arguments, **more})
            )
            yield [one for one in data.get(key) or [] if isinstance(one, dict)]
            following = str((data.get("response_metadata") or {}).get("next_cursor") or "")
            if not following or following == cursor:
                return
            cursor = following

    async def close(self) -> None:
        """Twice is harmless."""
        if self._session is not None:
            await self._session.close()
