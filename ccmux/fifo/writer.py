"""Whole lines into one FIFO, when somebody reads it."""

from __future__ import annotations

import asyncio
import errno
import os
import select
from collections.abc import Sequence
from pathlib import Path

from ccmux.fifo.pipe import open_fifo


class Writer:
    """Keeps the FIFO open as long as its reader stays, so that a reader sees no end between two replies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    async def write(self, lines: Sequence[bytes]) -> bool:
        """Write all lines, each at most PIPE_BUF bytes; False when nobody reads, or the reader left on the way."""
        for line in lines:
            if not await self._write_line(line):
                return False
        return True

    def reader_left(self) -> bool:
        """Whether the reader that had the last lines is gone (or none had any): they may be lost."""
        if self._fd < 0:
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLERR)
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
            self.close()
            return True
        return False

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    async def _write_line(self, line: bytes) -> bool:
        while True:
            if self._fd < 0 and not self._open():
                return False
            try:
                os.write(self._fd, line)
            except BlockingIOError:
                await self._writable()
            except BrokenPipeError:
                self.close()
                return False
            else:
                return True

    def _open(self) -> bool:
        try:
            self._fd = open_fifo(self.path, os.O_WRONLY)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENOENT):
                return False
            raise
        return True

    async def _writable(self) -> None:
        """Wait until the pipe has room, or its reader left (which also wakes)."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._fd)
