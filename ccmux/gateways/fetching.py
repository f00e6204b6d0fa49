"""What comes with messages: fetched before the instance is given the message, under names of our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

from ccmux.errors import CcmuxError, DiskTrouble, NotNow, Undeliverable
from ccmux.gateways.base import Transport
from ccmux.gateways.spool import heard as kept_ones
from ccmux.gateways.spool.heard import Kept
from ccmux.journal.database import Database

_AGAIN: Final = 5.0
_WITHIN: Final = 180.0
"""Seconds for which a message waits for its files; then it goes without, and says so."""
_MOST: Final = 10


def _safe(name: str) -> str:
    """A file name of our own: what a stranger chose is data."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char in ".-_") else "-" for char in name)
    stem, dot, extension = kept.lstrip(".-").rpartition(".")
    short = f"{stem[:60]}{dot}{extension[:10]}" if dot and stem else kept.lstrip(".-")[:60]
    return short or "file"


class Fetching:
    """Of one gateway. `handed` is called with the instance of a message that may go now."""

    def __init__(
        self,
        db: Database,
        transport: Transport,
        files: Path,
        most_bytes: Callable[[], int],
        *,
        wanted: asyncio.Event,
        handed: Callable[[str], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
    ) -> None:
        self._db = db
        self._transport = transport
        self._files = files
        self._most_bytes = most_bytes
        self._wanted = wanted
        self._handed = handed
        self._spawn = spawn
        self._under_way: set[str] = set()

    async def run(self) -> None:
        """For ever, whenever something is wanted; a message whose files are slow holds up its own room alone."""
        while True:
            self._wanted.clear()
            for kept in await self._db.read(kept_ones.unfetched):
                if kept.name not in self._under_way:
                    self._under_way.add(kept.name)
                    self._spawn(self._all_of(kept), f"files of {kept.name}")
            await self._wanted.wait()

    async def _all_of(self, kept: Kept) -> None:
        """Until they are there, cannot be had, or the message has waited long enough for them."""
        try:
            while True:
                note = await self.fetch(kept, last=time.time() - kept.received > _WITHIN)
                if note is not None:
                    break
                await asyncio.sleep(_AGAIN)
            await self._db.insist(partial(kept_ones.fetched, name=kept.name, note=note))
            self._handed(kept.instance)
        finally:
            self._under_way.discard(kept.name)
            self._wanted.set()

    async def fetch(self, kept: Kept, *, last: bool) -> str | None:
        """What Claude is to be told of them, mostly nothing; None: they may yet be had, and this is not the `last` try."""
        to = self._files / kept.name
        missing: list[str] = []
        for number, file in enumerate(kept.files[:_MOST], 1):
            target = to / f"{number:02}-{_safe(file.name)}"
            if target.exists():
                continue
            try:
                if file.size > self._most_bytes():
                    raise Undeliverable(f"{file.size} bytes are more than {self._most_bytes()}")
                to.mkdir(mode=0o700, parents=True, exist_ok=True)
                await self._transport.fetch(file, target, self._most_bytes())
            except (NotNow, OSError, DiskTrouble) as error:
                if not last:
                    return None
                missing.append(f"{_safe(file.name)}: {error}")
            except CcmuxError as error:
                missing.append(f"{_safe(file.name)}: {error.what}")
            except ValueError:
                missing.append(f"{_safe(file.name)}: its address is none")
        missing += [f"{_safe(file.name)}: too many files" for file in kept.files[_MOST:]]
        return "".join(f"\n(a file that came with this could not be had: {one})" for one in missing)
