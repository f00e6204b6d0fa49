"""A room at the loopback service, and who is there: what the gateway's tests see of it."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from ccmux.gateways.config import Access, Binding, GatewaySpec
from tests.gateways.process import GatewayProcess
from tests.rig import Rig

ANNA = "anna"
_RUN = "import sys; from ccmux.gateways.run import run; run(sys.argv[1])"


class Village(GatewayProcess):
    """A gateway of the loopback kind, its configuration and its rooms."""

    def __init__(self, rig: Rig, name: str = "loopback") -> None:
        spec = GatewaySpec(access=Access(teams=("here",), users=(ANNA,), operators=("boss",)))
        super().__init__(rig, name, [sys.executable, "-c", _RUN, name], spec)
        self.rooms = self.path / "rooms"
        self.rooms.mkdir()

    def bind(self, room: str, instance: str, **more: Any) -> None:
        self.configure(bind=(*self.spec.bind, Binding(room, instance, **more)))

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
