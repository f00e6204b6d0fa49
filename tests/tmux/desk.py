"""A desk for tests of tmux: a server of its own in a short directory, and programs to run in its panes."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ccmux.core.sources import Pane
from ccmux.model.ids import Generation
from ccmux.model.instance import TerminalSpec
from ccmux.tmux import pane as panes
from ccmux.tmux.control import Control
from ccmux.tmux.server import Server, configuration

PATIENCE = 60.0
"""Seconds until a condition counts as never coming true; for a very busy machine."""
_TRIES = 3
GEN = Generation("gabcdefgh")

EDITOR = """\
import os, re, sys, tty
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
tty.setraw(0)
os.write(1, b"\\x1b[?2004h\\x1b[2J\\x1b[H")
text = ""
os.write(log, b"<ready>")
while data := os.read(0, 65536):
    os.write(log, data)
    for char in re.sub("\\x1b\\\\[20[01]~", "", data.decode("utf-8", "replace")):
        if char in "\\r\\x03":
            text = ""
        elif char != "\\x13":
            text += char
    os.write(1, b"\\x1b[2J\\x1b[H" + text[-3000:].replace("\\n", "\\r\\n").encode())
"""
"""A raw-mode program with bracketed paste: draws what it has got, empties itself at C-c, logs every byte."""


async def until(condition: Callable[[], object], what: str, within: float = PATIENCE) -> None:
    """Wait until the condition, or what it is awaited for, is true."""
    give_up = time.monotonic() + within
    while True:
        value = condition()
        if await value if inspect.isawaitable(value) else value:
            return
        assert time.monotonic() < give_up, f"never came true within {within:g} s: {what}"
        await asyncio.sleep(0.01)


class Desk:
    """One tmux server; everything that was attached is closed at the end."""

    def __init__(self, directory: Path) -> None:
        self.dir = directory
        self.socket = directory / "t.sock"
        conf = directory / "tmux.conf"
        self.spec = TerminalSpec(width=120, height=40)
        conf.write_text(configuration(self.spec), encoding="utf-8")
        environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "LANG": "C.UTF-8"}
        self.server = Server(self.socket, conf, environment)
        self.controls: list[Control] = []
        self.news: list[str] = []
        (directory / "editor.py").write_text(EDITOR, encoding="utf-8")

    async def session(self, name: str, *argv: str, spec: TerminalSpec | None = None) -> None:
        command = list(argv) or ["/bin/sh", "-c", "exec cat >/dev/null"]
        await self.server.new_session(name, spec or self.spec, command, {panes.GENERATION_OPTION: GEN})

    async def attach(self, name: str) -> Control:
        control = await Control.attach(self.server, name, self.news.append)
        self.controls.append(control)
        return control

    async def open(self, *argv: str, spec: TerminalSpec | None = None) -> tuple[Control, Pane]:
        """A session `ccmux-a` with that program; its control connection and pane."""
        await self.session("ccmux-a", *argv, spec=spec)
        control = await self.attach("ccmux-a")
        return control, await self.look(control)

    async def look(self, control: Control) -> Pane:
        pane = await panes.look(control, "ccmux-a")
        assert pane is not None
        return pane

    async def editor(self) -> tuple[Control, Pane]:
        """A pane with the editor, ready to be typed into."""
        opened = await self.open(sys.executable, "-I", "-S", str(self.dir / "editor.py"), str(self.log))
        await until(lambda: b"<ready>" in self.logged(), "the editor is ready")
        return opened

    async def paste(self, control: Control, pane: Pane, strokes: list[str], marker: str) -> str:
        """What became of it. A refusal types nothing: like the daemon, look again and try again; it must pass soon."""
        said = ""
        for _ in range(_TRIES):
            outcome = await panes.paste(control, pane, strokes, marker)
            if outcome != "refused":
                return outcome
            now = await self.look(control)
            said += f"refused for {pane}, which is now {now}\n"
            pane = now
        raise AssertionError(said)

    @property
    def log(self) -> Path:
        return self.dir / "typed.log"

    def logged(self) -> bytes:
        return self.log.read_bytes() if self.log.exists() else b""

    def typed(self) -> bytes:
        return self.logged().partition(b"<ready>")[2]

    def shown(self, pane: Pane) -> str:
        """The screen, read without a control connection."""
        argv = ["tmux", "-S", str(self.socket), "capture-pane", "-p", "-t", pane.id]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    async def buffers(self) -> list[str]:
        return (await self.server.run("list-buffers", "-F", "#{buffer_name}")).split()

    async def close(self) -> None:
        for control in self.controls:
            await control.close()
        await asyncio.to_thread(
            subprocess.run,
            ["tmux", "-S", str(self.socket), "kill-server"],
            check=False,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
        )
