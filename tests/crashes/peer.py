"""A peer of the link that loses nothing: it keeps a message until its acknowledgement, and a reply before it says so.

It notices at once when its daemon dies, so that no test waits for the time after which things are sent again.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any

from ccmux.core.link import Ack, Assembly, Hello, Outstanding, Part, Whole, line
from ccmux.core.wire import parse_line
from tests.torture.notes import Notes

_PIECE = 16
_AWAY = 0.2
"""Seconds without a daemon at the other end after which all is sent again."""


class Peer(threading.Thread):
    """One channel's peer. What it read is noted line by line, for the checker."""

    def __init__(self, run: Path, channel: str, sent: Notes, read: Notes) -> None:
        super().__init__(name=f"peer-{channel}", daemon=True)
        self.into, self.out = run / f"in.{channel}", run / f"out.{channel}"
        self._sent, self._read = sent, read
        self._to_send: dict[str, dict[str, Any]] = {}
        self._assembly = Assembly(1_000_000)
        self._outstanding = Outstanding()
        self._got: set[str] = set()
        self._fd = -1
        self._partial = b""
        self._met = time.monotonic()
        self._greeted = False
        self._stopping = threading.Event()

    @property
    def unacknowledged(self) -> int:
        return len(self._to_send)

    def send(self, about: dict[str, Any]) -> None:
        """A message; its token is its id."""
        self._sent.note(what="try", **about)
        self._to_send[about["token"]] = about

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        while not self._stopping.wait(0.01):
            self._listen()
            self._speak()
        if self._fd >= 0:
            os.close(self._fd)

    def _listen(self) -> None:
        if self._fd < 0:
            with contextlib.suppress(FileNotFoundError):
                self._fd = os.open(self.out, os.O_RDONLY | os.O_NONBLOCK)
            return
        try:
            while data := os.read(self._fd, 65536):
                self._partial += data
        except BlockingIOError:
            self._met = time.monotonic()  # a daemon is there
        *lines, self._partial = self._partial.split(b"\n")
        for one in lines:
            self._heard(one)
        if time.monotonic() - self._met > _AWAY:
            self._met, self._greeted = time.monotonic(), False
            self._outstanding.reader_changed()

    def _heard(self, data: bytes) -> None:
        frame = parse_line(data)
        if isinstance(frame, Ack):
            about = self._to_send.pop(frame.ack, None)
            if about is not None:
                self._sent.note(what="wrote", **about)
        elif isinstance(frame, Part):
            self._read.note(instance="a", channel=self.into.name.removeprefix("in."), line=data.decode())
            whole = self._assembly.feed(frame)
            if isinstance(whole, Whole):
                self._got.add(whole.id)
                self._say(line(Ack(1, whole.id)))

    def _speak(self) -> None:
        if not self._greeted:
            self._greeted = self._say(line(Hello(1, "peer")))
        for name, about in list(self._to_send.items())[:1]:
            if self._outstanding.due(name, time.monotonic()):
                text = about["text"]
                pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
                parts = [Part(1, name, number, len(pieces), piece) for number, piece in enumerate(pieces, 1)]
                if all(self._say(line(part)) for part in parts):
                    self._outstanding.sent(name, time.monotonic())

    def _say(self, data: bytes) -> bool:
        try:
            fd = os.open(self.into, os.O_WRONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            os.mkfifo(self.into, 0o600)
            return False
        except OSError:
            return False  # no daemon
        try:
            return os.write(fd, data) == len(data)
        except OSError:
            return False
        finally:
            os.close(fd)
