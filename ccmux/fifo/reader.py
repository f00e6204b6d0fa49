"""Whole lines out of one FIFO.

The pipe is opened for reading only: when its last writer closes, what it wrote without a newline is a message too, and
the pipe is opened anew before the old descriptor is closed, so that there never is a moment without a reader.
(On macOS kqueue does not tell of that close: a last line without newline is taken together with the next one.)
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError
from ccmux.fifo.pipe import open_fifo

_PIECE: Final = 65536


class Reader:
    """Calls `on_line` with every line (without LF). A line longer than `limit` is given cut to limit + 1 bytes."""

    def __init__(self, path: Path, on_line: Callable[[bytes], None], limit: int) -> None:
        self.path = path
        self._on_line = on_line
        self._limit = limit
        self._partial = bytearray()
        self._paused = False
        self._loop = asyncio.get_running_loop()
        self.fd = open_fifo(path, os.O_RDONLY)
        """negative when it is closed"""
        self.identity = os.fstat(self.fd).st_ino
        self._loop.add_reader(self.fd, self._readable)

    @property
    def deaf(self) -> bool:
        """Whether the FIFO could not be opened anew."""
        return self.fd < 0

    def close(self) -> None:
        """Stop reading. Bytes that nobody read die with the last descriptor."""
        if self.fd >= 0:
            self._loop.remove_reader(self.fd)
            os.close(self.fd)
            self.fd = -1

    def pause(self) -> None:
        """Leave the bytes in the pipe: writers fill it and then wait."""
        self._paused = True
        if self.fd >= 0:
            self._loop.remove_reader(self.fd)

    def resume(self) -> None:
        """Read on; harmless when it was not paused."""
        if self.fd >= 0 and self._paused:
            self._loop.add_reader(self.fd, self._readable)
        self._paused = False

    def _readable(self) -> None:
        try:
            data = os.read(self.fd, _PIECE)
        except BlockingIOError:
            return
        if data:
            self._feed(data)
            return
        if self._partial:
            self._flush()
        self._reopen()

    def _feed(self, data: bytes) -> None:
        first, *rest = data.split(b"\n")
        self._grow(first)
        for piece in rest:
            self._flush()
            self._grow(piece)

    def _grow(self, piece: bytes) -> None:
        room = self._limit + 1 - len(self._partial)
        self._partial += piece[: max(0, room)]

    def _flush(self) -> None:
        line = bytes(self._partial)
        self._partial.clear()
        self._on_line(line)

    def _reopen(self) -> None:
        """A descriptor that has seen no writer yet does not report that all writers left."""
        self._loop.remove_reader(self.fd)
        old = self.fd
        try:
            self.fd = open_fifo(self.path, os.O_RDONLY)
        except (OSError, CcmuxError):
            self.fd = -1  # the FIFO was removed or replaced; the watcher will close this reader
        os.close(old)
        if self.fd < 0:
            return
        self.identity = os.fstat(self.fd).st_ino
        self._catch_up()
        if not self._paused:
            self._loop.add_reader(self.fd, self._readable)

    def _catch_up(self) -> None:
        """Take what a writer left who came and went before the new descriptor was there: it will not tell of his end."""
        try:
            while data := os.read(self.fd, _PIECE):
                self._feed(data)
        except BlockingIOError:
            return  # a writer is there; its end will be told
        if self._partial:
            self._flush()
