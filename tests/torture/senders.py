"""Those who send: over the control socket with retry by key, by `ccmux send`, and into FIFOs that acknowledge nothing."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.rig import Rig
from tests.torture.notes import Notes

ANSWERS_WITHIN = 10.0
_WORDS = ("run", "the", "tests", "größer", "日本語", "naïve", "❯", "─", "x" * 90, "(end-of)", "a\\b", "'q'", '"')


def text_of(draw: random.Random, token: str, *, lines: bool) -> str:
    """A message that is told from every other by its token."""
    words = [draw.choice(_WORDS) for _ in range(draw.choice((0, 1, 3, 8, 30)))]
    joints = [" ", " ", " ", "\n", "\n\n"] if lines else [" "]
    text = token
    for word in words:
        text += draw.choice(joints) + word
    return text


class Sender(threading.Thread):
    """One sender: its next message only after the last one was taken, so that their order is known."""

    def __init__(self, rig: Rig, notes: Notes, draw: random.Random, where: tuple[str, str, int], count: int) -> None:
        instance, channel, number = where
        super().__init__(name=f"{instance}-{channel}-{number}", daemon=True)
        self.rig = rig
        self.notes = notes
        self.draw = draw
        self.instance = instance
        self.channel = channel
        self.count = count
        self.pause = 0.0
        self.stopping = threading.Event()

    def run(self) -> None:
        for n in range(1, self.count + 1):
            if self.stopping.is_set():
                return
            token = f"tok-{self.draw.getrandbits(40):010x}"
            about = {
                "token": token,
                "instance": self.instance,
                "channel": self.channel,
                "sender": self.name,
                "n": n,
                "key": token,
                "text": text_of(self.draw, token, lines=self.many_lines),
            }
            self.send(about)
            self.stopping.wait(self.draw.expovariate(1 / self.pause) if self.pause else 0)

    many_lines = True

    def send(self, about: dict[str, Any]) -> None:
        """Until it is taken."""
        raise NotImplementedError

    def note(self, what: str, about: dict[str, Any], **more: object) -> None:
        self.notes.note(what=what, **about, **more)

    def until(self, taken: Callable[[], bool]) -> None:
        while not taken() and not self.stopping.is_set():
            self.stopping.wait(self.draw.uniform(0.02, 0.4))


class SocketSender(Sender):
    """`{"op":"send"}` with a key: asks again until it is acknowledged; sometimes leaves before the answer, or asks twice."""

    def send(self, about: dict[str, Any]) -> None:
        self.note("try", about)
        self.until(lambda: self._once(about, leave=self.draw.random() < 0.1))
        if self.draw.random() < 0.1:
            self._once(about, leave=False)

    def _once(self, about: dict[str, Any], *, leave: bool) -> bool:
        request = {"op": "send", "text": about["text"], "key": about["key"]}
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(ANSWERS_WITHIN)
                client.connect(str(self.rig.paths(self.instance).control_socket))
                client.sendall(json.dumps(request).encode() + b"\n")
                if leave:
                    return False
                answer = json.loads(client.makefile("rb").readline())
        except (OSError, ValueError):
            return False
        if "id" not in answer:
            self.note("refused", about, why=answer)
            return False
        self.note("ack", about, id=answer["id"])
        return True


class VerbSender(Sender):
    """`ccmux send`: it has no key, so what is not acknowledged is not sent again."""

    def send(self, about: dict[str, Any]) -> None:
        self.note("try", about)
        process = self.rig.popen("send", "--", self.instance, about["text"], stdin=subprocess.DEVNULL)
        out, _ = process.communicate(timeout=120)
        if process.returncode == 0:
            self.note("ack", about, id=out.strip())


class FifoSender(Sender):
    """A line into `in.<channel>`, as `echo` writes it; a JSON line now and then."""

    many_lines = False

    def send(self, about: dict[str, Any]) -> None:
        line = about["text"]
        if self.draw.random() < 0.3:
            line = json.dumps({"content": line, "channel": "forged", "from": "somebody"})
        data = line.encode() + b"\n"
        assert len(data) <= 4096
        self.note("try", about)
        self.until(lambda: self._write(data))
        if not self.stopping.is_set():
            self.note("wrote", about)

    def _write(self, data: bytes) -> bool:
        path = self.rig.paths(self.instance).run / f"in.{self.channel}"
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            self._make(path)
            return False
        except OSError:
            return False
        try:
            return os.write(fd, data) == len(data)
        except OSError:
            return False
        finally:
            os.close(fd)

    def _make(self, path: Path) -> None:
        """A channel exists because somebody makes its FIFO."""
        if self.channel != "local":
            with contextlib.suppress(OSError):
                os.mkfifo(path, 0o600)
