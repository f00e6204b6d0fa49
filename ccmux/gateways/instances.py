"""The instances of this person, as a gateway speaks to them beside the link."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import msgspec

from ccmux.errors import CcmuxError, ProtocolError, Refused
from ccmux.fleet.client import Client
from ccmux.paths import InstancePaths

_LINE: int = 64 * 1024 * 1024


async def ask(instance: str, **request: object) -> dict[str, Any]:
    """One request to its control socket, and the answer. Raises what the daemon raised."""

    def work() -> dict[str, Any]:
        with Client(InstancePaths.of(instance)) as client:
            client.post(**request)
            return client.answer()

    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise CcmuxError(f"{instance} cannot be asked: {error}", fix="ccmux status") from error


class Watching:
    """The instance's own word at every change of its state. An async context manager and iterator."""

    def __init__(self, instance: str) -> None:
        self._paths = InstancePaths.of(instance)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        try:
            self._reader, self._writer = await asyncio.open_unix_connection(self._paths.control_socket, limit=_LINE)
        except OSError as error:
            raise Refused(f"{self._paths.name} is not running: {error}") from error
        self._writer.write(b'{"op":"watch"}\n')
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    async def next(self) -> dict[str, Any]:
        """The instance now, at the next change. Raises ProtocolError when the daemon has gone."""
        assert self._reader is not None  # noqa: S101 - inside of the context it is there
        try:
            line = await self._reader.readline()
        except (ConnectionError, ValueError) as error:
            raise ProtocolError(f"{self._paths.name}: {error}") from error
        if not line.endswith(b"\n"):
            raise ProtocolError(f"the daemon of {self._paths.name} has gone")
        told: dict[str, Any] = msgspec.json.decode(line)
        instance = told.get("instance")
        return instance if isinstance(instance, dict) else {}
