"""Files that came with messages: bounded, private, and the token goes to Slack's own host only."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import aiohttp

from ccmux.errors import GatewayError, NotNow, Undeliverable
from ccmux.gateways.slack.api import Api
from ccmux.gateways.words import RemoteFile

HOST: Final = "files.slack.com"
_CHUNK: Final = 65_536
_REDIRECTS: Final = 3
_MINUTES: Final = 300.0
_MOVED: Final = (301, 302, 303, 307, 308)
_OK: Final = 200
_SERVER: Final = 500
_TOO_MANY: Final = 429
_SCOPE: Final = "add the scope files:read on api.slack.com/apps, then install the app again"


async def fetch(api: Api, file: RemoteFile, to: Path, most_bytes: int) -> None:
    """Into a new file. Nothing is left of it when it fails. Raises Undeliverable or NotNow."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_beside(to))  # noqa: PTH108 - in an async function, and it takes microseconds
    if file.size > most_bytes:
        raise Undeliverable(f"{file.name} is too big: {file.size} bytes, and {most_bytes} are taken")
    try:
        url = file.url or await _address(api, file)
        async with asyncio.timeout(_MINUTES):
            await _have(api, file, url, to, most_bytes)
    except GatewayError:
        raise
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NotNow(f"{file.name} could not be fetched: {type(error).__name__}") from None
    except OSError as error:
        raise NotNow(f"{file.name} could not be written: {error.strerror}") from None


async def _address(api: Api, file: RemoteFile) -> str:
    """Of a file of another workspace Slack tells the address only when it is asked."""
    told = (await api.call("files_info", harmless=True, file=file.id)).get("file") or {}
    if told.get("is_external"):
        raise Undeliverable(f"{file.name} is not kept by Slack, but only linked there")
    return str(told.get("url_private_download") or told.get("url_private") or "")


async def _have(api: Api, file: RemoteFile, url: str, to: Path, most_bytes: int) -> None:
    for _ in range(_REDIRECTS + 1):
        if not api.own(url, HOST):
            raise Undeliverable(f"{file.name} is not at {HOST}: our token does not go there", fix=_SCOPE)
        headers = {"Authorization": f"Bearer {api.tokens.bot}"}
        async with api.session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status in _MOVED:
                url = urljoin(url, answer.headers.get("Location", ""))
                continue
            _checked(answer, file)
            await _written(answer, file, to, most_bytes)
            return
    raise Undeliverable(f"{file.name}: too many redirects")


def _checked(answer: aiohttp.ClientResponse, file: RemoteFile) -> None:
    if answer.status == _TOO_MANY or answer.status >= _SERVER:
        raise NotNow(f"{file.name} could not be fetched: HTTP {answer.status}", after=30.0)
    if answer.status != _OK:
        raise Undeliverable(f"{file.name} could not be fetched: HTTP {answer.status}", fix=_SCOPE)
    if answer.content_type == "text/html" and file.mime != "text/html":
        raise Undeliverable(f"{file.name}: Slack gave a page to log in instead of the file", fix=_SCOPE)


async def _written(answer: aiohttp.ClientResponse, file: RemoteFile, to: Path, most_bytes: int) -> None:
    """Beside it first: `to` is whole, or not there, also when we are killed."""
    if os.path.lexists(to):  # noqa: ASYNC240 - microseconds, as below
        raise NotNow(f"{to.name} is there already")
    beside = _beside(to)
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        size = 0
        async for chunk in answer.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > most_bytes:
                raise Undeliverable(f"{file.name} is too big: more than the {most_bytes} bytes that are taken")
            _write(fd, chunk)
        await asyncio.to_thread(os.fsync, fd)
        os.rename(beside, to)  # noqa: PTH104
    finally:
        os.close(fd)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)  # noqa: PTH108


def _beside(to: Path) -> Path:
    return to.with_name(f".{to.name}.part")


def _write(fd: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(fd, rest) :]
