"""What goes out: replies from the journal to the `out.*` FIFO of their channel, in order, each marked once it is written.

Where nobody reads, the reply waits in the journal. A peer that speaks the link has a reply when it has acknowledged it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from pathlib import Path

from ccmux.core.link import Outstanding
from ccmux.core.wire import out_lines
from ccmux.daemon.hub import Hub
from ccmux.errors import CcmuxError
from ccmux.fifo import pipe
from ccmux.fifo.writer import Writer
from ccmux.journal import links, outbox
from ccmux.journal.database import Database
from ccmux.journal.reports import is_report
from ccmux.model.ids import REPORT, ChannelName
from ccmux.model.message import Reply

log = logging.getLogger(__name__)

_NOBODY = -1.0
"""There is no reader now, and nobody will tell when there is one."""
_WINDOW = 64
"""Replies to one peer that may be unacknowledged at once."""
_FIRST, _LONGEST = 0.05, 1.0
"""Seconds between two looks for a reader, while a reply waits: a FIFO does not tell when a reader comes."""
_HARDLY_READ = 15.0
"""The same for reports where there is no assistant: one waits always, and mostly nobody ever reads it."""


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
            self._hub.linked.update(await self._db.read(links.channels))
            for channel in await self._db.read(outbox.channels):
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
        outstanding = Outstanding()
        pause = _FIRST
        try:
            while True:
                kick.clear()
                self._make(channel)
                if channel in self._hub.withheld:
                    writer.close()
                    wait: float | None = None
                elif channel in self._hub.linked:
                    wait = await self._linked(channel, writer, outstanding)
                else:
                    wait = await self._plain(channel, writer)
                longest = _HARDLY_READ if channel == REPORT else _LONGEST
                pause = min(longest, pause * 2) if wait == _NOBODY else _FIRST
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause if wait == _NOBODY else wait):
                        await kick.wait()
        finally:
            writer.close()

    def _make(self, channel: ChannelName) -> None:
        """The FIFO may have been wiped, and its `in.*` with it."""
        try:
            pipe.make(self._run / f"out.{channel}")
        except (CcmuxError, OSError) as error:
            log.error("out.%s cannot be made: %s", channel, error)  # noqa: TRY400 - the sentence says it all

    async def _plain(self, channel: ChannelName, writer: Writer) -> float | None:
        """Write every reply that waits, each marked once it is written; how long to wait then."""
        while channel not in self._hub.withheld:
            reply = await self._db.read(partial(outbox.next_of, channel=channel))
            if reply is None:
                return None
            if not await self._write(writer, _lines(reply)):
                return _NOBODY
            await self._db.insist(partial(outbox.delivered, reply_id=reply.id, at=time.time()))
        return None

    async def _linked(self, channel: ChannelName, writer: Writer, outstanding: Outstanding) -> float | None:
        """Acknowledgements to the peer, then replies until it has acknowledged each; how long to wait then."""
        if self._hub.greeted(channel) or writer.reader_left():
            outstanding.reader_changed()
        frames = self._hub.frames(channel)
        while frames:
            if not await self._write(writer, [frames[0]]):
                return _NOBODY
            frames.popleft()
        for reply_id in self._hub.acknowledged(channel):
            outstanding.settled(reply_id)
            await self._db.insist(partial(outbox.delivered, reply_id=reply_id, at=time.time()))
        for reply in await self._db.read(partial(outbox.first_of, channel=channel, limit=_WINDOW)):
            if outstanding.due(reply.id, time.monotonic()):
                if not await self._write(writer, out_lines(reply, pipe.PIPE_BUF)):
                    outstanding.reader_changed()
                    return _NOBODY
                outstanding.sent(reply.id, time.monotonic())
        wake_at = outstanding.wake_at()
        return None if wake_at is None else max(0.0, wake_at - time.monotonic())

    async def _write(self, writer: Writer, lines: list[bytes]) -> bool:
        try:
            return await writer.write(lines)
        except (CcmuxError, OSError) as error:
            log.error("%s cannot be written: %s", writer.path, error)  # noqa: TRY400 - the sentence says it all
            return False


def _lines(reply: Reply) -> list[bytes]:
    """For a plain reader. A report is a line by itself: its own JSON."""
    own = reply.text.encode() + b"\n"
    return [own] if is_report(reply.about) and len(own) <= pipe.PIPE_BUF else out_lines(reply, pipe.PIPE_BUF)
