"""The reader of every `out.*`: it never leaves a FIFO before all that was written into it is read."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.torture.notes import Notes


class _Pipe:
    """One FIFO, and those that stood at its path before and may still be written to."""

    def __init__(self, path: Path, instance: str, channel: str) -> None:
        self.path = path
        self.instance = instance
        self.channel = channel
        self._open: dict[int, tuple[int, bytearray]] = {}
        """inode -> descriptor, and the bytes of a line that is not whole yet"""

    def lines(self) -> list[str]:
        """What has come since."""
        self._look()
        found: list[str] = []
        for inode, (fd, partial) in list(self._open.items()):
            try:
                while data := os.read(fd, 65536):
                    partial.extend(data)
                ended = True
            except BlockingIOError:
                ended = False  # a writer is there
            *whole, rest = bytes(partial).split(b"\n")
            partial[:] = rest
            found += [line.decode("utf-8", "replace") for line in whole]
            if ended and inode != self._here():
                os.close(fd)
                del self._open[inode]
        return found

    def close(self) -> None:
        for fd, _ in self._open.values():
            os.close(fd)
        self._open.clear()

    def _here(self) -> int:
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return 0

    def _look(self) -> None:
        if self._here() not in self._open:
            try:
                fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            except FileNotFoundError:
                return
            self._open[os.fstat(fd).st_ino] = (fd, bytearray())


class Readers(threading.Thread):
    """All of them in one thread."""

    def __init__(self, notes: Notes, pipes: Sequence[tuple[Path, str, str]]) -> None:
        super().__init__(name="readers", daemon=True)
        self._notes = notes
        self._pipes = [_Pipe(*one) for one in pipes]
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(0.01):
            self._read()
        self._read()
        for pipe in self._pipes:
            pipe.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def _read(self) -> None:
        for pipe in self._pipes:
            for line in pipe.lines():
                self._notes.note(instance=pipe.instance, channel=pipe.channel, line=line)
