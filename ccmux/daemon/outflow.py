"""What goes out: replies from the journal to the `out.*` FIFO of their channel, in order, each marked once it is written.

Where nobody reads, the reply waits in the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from pathlib import Path

from ccmux.core.wire import out_lines
from ccmux.daemon.hub import Hub
from ccmux.errors import CcmuxError
from ccmux.fifo import pipe
from ccmux.fifo.writer import Writer
from ccmux.journal import outbox
from ccmux.journal.database import Database
from ccmux.model.ids import ChannelName

log = logging.getLogger(__name__)

_FIRST, _LONGEST = 0.05, 1.0
"""Seconds between two looks for a reader, while a reply waits: a FIFO does not tell when a reader comes."""


class Outflow:
    """One task per channel, so that a slow reader holds up no other channel."""

    def __init__(self, run: Path, db: Database, hub: Hub) -> None:
        self._run = run
        self._db = db
        self._hub = hub
        self._group = asyncio.TaskGroup()
        self._running: set[ChannelName] = set()

    async def run(self) -> None:
        """For ever: a task for every channel that has, or gets, something to write."""
        async with self._group:
            for channel in await self._db.run(outbox.channels):
                self._hub.kick(channel).set()
            while True:
                for channel in self._hub.channels():
                    if channel not in self._running:
                        self._running.add(channel)
                        self._group.create_task(self._channel(channel), name=f"out.{channel}")
                await self._hub.new_channel.wait()
                self._hub.new_channel.clear()

    async def _channel(self, channel: ChannelName) -> None:
        writer = Writer(self._run / f"out.{channel}")
        kick = self._hub.kick(channel)
        try:
            while True:
                kick.clear()
                reply = await self._db.run(partial(outbox.next_of, channel=channel))
                if reply is None:
                    await kick.wait()
                    continue
                await self._until_taken(writer, out_lines(reply, pipe.PIPE_BUF), kick)
                await self._db.run(partial(outbox.delivered, reply=reply, at=time.time()))
        finally:
            writer.close()

    async def _until_taken(self, writer: Writer, lines: list[bytes], kick: asyncio.Event) -> None:
        """Write all lines to a reader, however long it takes until there is one that stays."""
        pause = _FIRST
        while not await self._write(writer, lines):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await kick.wait()
            kick.clear()
            pause = min(_LONGEST, pause * 2)

    async def _write(self, writer: Writer, lines: list[bytes]) -> bool:
        try:
            return await writer.write(lines)
        except (CcmuxError, OSError) as error:
            log.error("%s cannot be written: %s", writer.path, error)  # noqa: TRY400 - the sentence says it all
            return False
