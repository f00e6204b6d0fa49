"""A room at the loopback service, and who is there: what the gateway's tests see of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from ccmux.gateways.config import Access, Binding, GatewaySpec, change
from ccmux.gateways.home import Home
from tests.rig import Rig, until

ANNA = "anna"
_RUN = "import sys; from ccmux.gateways.run import run; run(sys.argv[1])"


class Village:
    """A gateway of the loopback kind, its configuration and its rooms."""

    def __init__(self, rig: Rig, name: str = "loopback") -> None:
        self.rig = rig
        self.name = name
        self.path = rig.home / ".local" / "share" / "ccmux" / "gateways" / name
        self.rooms = self.path / "rooms"
        self.rooms.mkdir(parents=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.spec = GatewaySpec(access=Access(teams=("here",), users=(ANNA,), operators=("boss",)))

    def bind(self, room: str, instance: str, **more: Any) -> None:
        self.configure(bind=(*self.spec.bind, Binding(room, instance, **more)))

    def configure(self, **changes: Any) -> None:
        self.spec = msgspec.structs.replace(self.spec, **changes)
        change(self.path / "gateway.toml", self.spec)

    def start(self) -> None:
        env = self.rig.env | {"CCMUX_HOME": str(self.rig.home)}
        with (self.rig.home / "gateway.err").open("ab") as said:
            self.process = subprocess.Popen([sys.executable, "-c", _RUN, self.name], env=env, stderr=said, stdout=said)
        process = self.process
        until(lambda: self._runs_as(process.pid) or process.poll() is not None, "the gateway runs")
        assert process.poll() is None, self.log()

    def _runs_as(self, pid: int) -> bool:
        return f"runs as {pid}" in self.log()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(30) == 0, self.log()
            self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self) -> str:
        said = (self.rig.home / "gateway.err").read_text() if (self.rig.home / "gateway.err").exists() else ""
        log = self.path / "gateway.log"
        return said + (log.read_text() if log.exists() else "")

    # what people do and see

    def say(self, room: str, text: str = "", who: str = ANNA, **more: Any) -> str:
        """Append a line; its id."""
        path = self.rooms / f"{room}.jsonl"
        line = json.dumps({"who": who, **({"text": text} if text else {}), **more}).encode() + b"\n"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(fd, line)
        os.close(fd)
        return str(path.read_bytes().count(b"\n"))

    def lines(self, room: str) -> list[dict[str, Any]]:
        path = self.rooms / f"{room}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def ours(self, room: str) -> list[dict[str, Any]]:
        return [line for line in self.lines(room) if line.get("by") == "ccmux"]

    def answers(self, room: str, thread: str | None = None) -> list[str]:
        """What was answered: no notices, progress, questions, edits."""
        return [
            line["text"]
            for line in self.ours(room)
            if "text" in line
            and not {"notice", "progress", "asked", "edit", "file", "to"} & set(line)
            and (thread is None or line.get("thread") == thread)
        ]

    def notices(self, room: str) -> list[str]:
        return [line["text"] for line in self.ours(room) if line.get("notice")]

    def marks(self, room: str, native: str) -> list[str]:
        """The marks that stand at a message now."""
        there: list[str] = []
        for line in self.ours(room):
            if line.get("of") == native and "mark" in line:
                there.append(line["mark"])
            if line.get("of") == native and "unmark" in line and line["unmark"] in there:
                there.remove(line["unmark"])
        return there


def gateway_home(village: Village) -> Home:
    return Home(village.name)


def read_lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
