"""The other end of the link: what a program that must lose nothing speaks to an instance's channel.

Sends what its store holds, in order, until the instance has acknowledged it; hands over what the instance says, and
acknowledges that once the store has it. Outlives daemons and wiped FIFOs. docs/PROTOCOL.md has the lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from ccmux.core.letters import Letter, frames
from ccmux.core.link import Ack, Assembly, Hello, Malformed, Nack, Outstanding, Part, frame_of, line
from ccmux.errors import CcmuxError
from ccmux.fifo import pipe
from ccmux.fifo.reader import Reader
from ccmux.fifo.writer import Writer

log = logging.getLogger(__name__)

WINDOW: Final = 32
"""Letters that may be unacknowledged at once."""
_LOOK: Final = 5.0
"""Seconds between two looks whether the FIFOs are still the same."""
_NOBODY: Final = 1.0
"""Seconds between two tries while no daemon reads."""
_MOST_BYTES: Final = 64 * 1024 * 1024
_QUEUE: Final = 1000
"""Lines read and not yet handed over; of more, the instance waits."""


class Said(msgspec.Struct, frozen=True):
    """Something that the instance says, all parts together."""

    id: str
    text: str
    to: str = ""
    """our name of the message that it answers"""
    reply_to: str = ""
    about: str = ""
    error: str = ""
    files: str = ""


class Store(Protocol):
    """Keeps what must not be lost. Each method returns after its commit, and is harmless when called again."""

    async def waiting(self, limit: int) -> Sequence[Letter]:
        """The oldest that were neither taken nor refused, in their order."""

    async def taken(self, ack: Ack) -> None:
        """The instance has it."""

    async def refused(self, nack: Nack) -> None:
        """The instance does not take it (`retry`: now)."""

    async def said(self, said: Said) -> None:
        """Keep it. The same id may come again."""

    async def plain(self, text: str) -> None:
        """Somebody else wrote a line into the FIFO that we read."""


class Peer:
    """One channel of one instance: writes `run/in.<into>`, reads `run/out.<answers>`."""

    def __init__(self, run: Path, into: str, name: str, store: Store, answers: str = "") -> None:
        self._in = run / f"in.{into}"
        self._out = run / f"out.{answers or into}"
        self._on = answers if answers != into else ""
        self._name = name
        self._store = store
        self._kick = asyncio.Event()
        self._frames: deque[bytes] = deque()
        self._outstanding = Outstanding()
        self._assembly = Assembly(_MOST_BYTES)
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._reader: Reader | None = None
        self._writer = Writer(self._in)
        self._greeted = False

    def kick(self) -> None:
        """The store has something new."""
        self._kick.set()

    async def run(self) -> None:
        """For ever. What was handed over and not acknowledged comes again after the next start."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(), name=f"hear {self._out}")
                group.create_task(self._speak(), name=f"speak {self._in}")
        finally:
            self._writer.close()
            if self._reader is not None:
                self._reader.close()

    # what it says

    async def _speak(self) -> None:
        while True:
            self._kick.clear()
            pause = _LOOK
            try:
                self._attach()
                if not await self._write_all():
                    pause = _NOBODY
            except (CcmuxError, OSError) as error:
                log.error("%s cannot be written now: %s", self._in, error)  # noqa: TRY400 - the sentence says it all
                pause = _NOBODY
            due = self._outstanding.wake_at()
            if due is not None and pause == _LOOK:
                pause = min(pause, max(0.05, due - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._kick.wait()

    async def _write_all(self) -> bool:
        """Everything that is due; False when nobody reads."""
        letters = await self._store.waiting(WINDOW)
        self._outstanding.only({letter.id for letter in letters})
        now = time.monotonic()
        if self._writer.reader_left():
            self._greeted = False
            self._outstanding.reader_changed()
        if not self._greeted:
            if not await self._writer.write([line(Hello(1, self._name, self._on))]):
                return False
            self._greeted = True
        while self._frames:
            if not await self._writer.write([self._frames[0]]):
                self._greeted = False
                return False
            self._frames.popleft()
        for letter in letters:
            if not self._outstanding.due(letter.id, now):
                continue
            if not await self._writer.write(frames(letter, pipe.PIPE_BUF, self._on)):
                self._outstanding.reader_changed()
                return False
            self._outstanding.sent(letter.id, now)
        return True

    # what it hears

    def _attach(self) -> None:
        """Have both FIFOs, and a reader on the one that stands there now."""
        if not self._in.parent.is_dir():
            return  # the instance has not been started yet, or is being removed
        for path in (self._in, self._out):
            pipe.make(path)
        found = self._out.lstat().st_ino
        if self._reader is not None and (self._reader.deaf or self._reader.identity != found):
            self._reader.close()
            self._reader = None
        if self._reader is None:
            self._reader = Reader(self._out, self._read, _MOST_BYTES)

    def _read(self, text: bytes) -> None:
        self._lines.put_nowait(text)
        if self._lines.qsize() > _QUEUE and self._reader is not None:
            self._reader.pause()

    async def _hear(self) -> None:
        while True:
            text = await self._lines.get()
            try:
                await self._heard(text)
            except CcmuxError as error:
                log.error("not kept, it will come again: %s", error)  # noqa: TRY400 - the sentence says it all
            if self._lines.empty() and self._reader is not None:
                self._reader.resume()

    async def _heard(self, text: bytes) -> None:
        value = _decoded(text)
        frame = frame_of(value)
        if isinstance(frame, Part):
            await self._part(frame, value)
        elif isinstance(frame, Ack):
            self._outstanding.settled(frame.ack)
            await self._store.taken(frame)
            self._kick.set()
        elif isinstance(frame, Nack):
            if not frame.retry:
                self._outstanding.settled(frame.nack)
            await self._store.refused(frame)
            self._kick.set()
        elif frame is None and text.strip():
            await self._store.plain(text.decode("utf-8", "replace"))
        elif isinstance(frame, Malformed):
            log.warning("%s: not a line of the link: %s", self._out, frame.why)

    async def _part(self, part: Part, value: object) -> None:
        whole = self._assembly.feed(part)
        if isinstance(whole, Malformed):
            log.warning("%s: %s", self._out, whole.why)  # it comes again, whole
        elif whole is not None:
            try:
                said = msgspec.convert(value, Said)
            except msgspec.ValidationError as error:
                log.warning("%s: not a line of the link: %s", self._out, error)
                return
            await self._store.said(msgspec.structs.replace(said, text=whole.text))
            self._frames.append(line(Ack(1, whole.id, on=self._on)))
            self._kick.set()


def _decoded(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
