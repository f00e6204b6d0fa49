"""A Claude of its own to be probed: a home that vanishes, the daemon's own hands, the stand-in for the API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from ccmux.claude import envfile
from ccmux.claude import transcript as transcripts
from ccmux.core.lifecycle import Life
from ccmux.core.missed import Missed
from ccmux.core.reading import Told, told
from ccmux.core.screen import Box
from ccmux.core.sources import Pane, Registered, Sources
from ccmux.core.transcript import events_of
from ccmux.core.usage import Fact, Reader
from ccmux.daemon.session import Session
from ccmux.files import write_private
from ccmux.hooks import gate, spool
from ccmux.model.ids import LOCAL, Nonce, new_message_id, new_nonce
from ccmux.model.instance import ClaudeSpec, InstanceSpec, PermissionMode
from ccmux.model.message import Attachment, Message
from ccmux.model.turn import TurnEvent
from ccmux.paths import InstancePaths
from ccmux.probe.fact import Wrong
from ccmux.standin import StandIn

T = TypeVar("T")
WITHIN: Final = 10.0
"""Seconds in which anything that is to happen must have happened."""
_AFTER_ESCAPE: Final = 0.6
"""Seconds: a busy machine reads Esc and a key that follows at once as Alt and that key."""
_KEYS: Final = 40
"""Keys that may be needed to leave what is open and to empty the box."""


class Stage:
    """One session. Every check leaves it idle, with an empty box."""

    def __init__(self, home: Path, claude: Path, standin: StandIn) -> None:
        self.home = home
        self.standin = standin
        self.paths = InstancePaths("probe", home / ".ccmux-probe")
        self.work = home / "work"
        spec = ClaudeSpec(command=str(claude), permission_mode=PermissionMode.MANUAL, allow=("Bash(sleep:*)",))
        self.spec = InstanceSpec(dir=str(self.work), claude=spec)
        self.session_id = str(uuid.uuid4())
        self._session: Session | None = None
        self._missed = Missed()

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, claude: Path) -> AsyncIterator[Stage]:
        """A stage on which nothing runs yet; afterwards nothing of it is left."""
        home = Path(tempfile.mkdtemp(prefix="ccmux-probe-", dir="/tmp"))
        try:
            with StandIn() as standin:
                stage = cls(home, claude, standin)
                stage._prepare()
                try:
                    yield stage
                finally:
                    await stage._close()
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _prepare(self) -> None:
        paths = self.paths
        for directory in (
            self.work,
            paths.run,
            paths.data,
            paths.claude,
            paths.hook_spool,
            paths.cost_spool,
            paths.logs,
        ):
            directory.mkdir(mode=0o700, parents=True)
        env = {"ANTHROPIC_API_KEY": "sk-ant-probe", "ANTHROPIC_BASE_URL": self.standin.url, "HOME": str(self.home)}
        write_private(paths.env, envfile.render(env).encode())
        gate.make(paths.gate)

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.disconnect()
            await self._session.server.kill()

    # what is there

    @property
    def session(self) -> Session:
        if self._session is None:
            self._session = Session(self.paths, self.spec, lambda *_: None)
        return self._session

    async def pane(self) -> Pane:
        pane = await self.session.look()
        if pane is None or pane.dead:
            raise Wrong("Claude is not running")
        return pane

    async def registered(self) -> Registered | None:
        await self.session.look()
        return self.session.registered()

    async def box(self) -> Box:
        return await self.session.box() or Box(present=False)

    async def fallback(self) -> Told | None:
        """What is told of Claude without its registry and hooks."""
        seen = Sources(Life.READY, await self.pane(), None, without_registry=True, box=await self.box())
        return told(seen)

    def hooks(self, name: str) -> list[dict[str, Any]]:
        """The payloads of that hook, oldest first."""
        found = [json.loads(payload) for _, payload in spool.pending(self.paths.hook_spool)]
        return [payload for payload in found if payload.get("hook_event_name") == name]

    def rows(self) -> list[TurnEvent]:
        """What the transcript tells."""
        path = transcripts.find(self.paths.claude, self.session_id)
        return [] if path is None else [event for line in transcripts.Tail(path).lines() for event in events_of(line)]

    def used(self) -> list[Fact]:
        """What the transcript tells of tokens and turns."""
        path, reader = transcripts.find(self.paths.claude, self.session_id), Reader()
        return [] if path is None else [fact for line in transcripts.Tail(path).lines() for fact in reader.read(line)]

    def prompts(self) -> list[str]:
        """The newest user text of every main request that the API got."""
        return [request.text for request in self.standin.requests() if request.main]

    # what is done

    async def start(self, *, resume: bool = False) -> None:
        """Start Claude and wait until its box can be typed into."""
        await self.session.look()
        await self.session.start(self.session_id, resume=resume)
        await self.until(self._ready, "Claude is ready")

    async def _ready(self) -> bool:
        """Where there is no registry, a box that stays counts as ready."""
        pane = await self.pane()
        registered = self.session.registered()
        without = self._missed.seen(pane, registered, time.monotonic())
        return (registered is not None or without) and (await self.box()).empty

    async def say(
        self, text: str, *steps: Mapping[str, Any], attachments: tuple[Attachment, ...] = (), answered: bool = True
    ) -> Nonce:
        """Enter a message as the daemon does; `steps` are the model's. Waits for the end of the turn if `answered`."""
        if steps:
            self.standin.queue(*steps)
        plain = Message(new_message_id(), LOCAL, "probe", text, time.time(), attempt=1, nonce=new_nonce())
        message = replace(plain, attachments=attachments)
        pane = await self.pane()
        outcome = await self.session.paste(message, pane.generation)
        if outcome != "shown":
            raise Wrong(f"the pasted text was {outcome}")
        pane = await self.pane()
        await self.until(lambda: self.session.enter(message.nonce, pane.generation), "Enter is pressed")
        await self.until(lambda: any(message.nonce in prompt for prompt in self.prompts()), "the API is asked")
        if answered:
            await self.until(self.idle, "the turn ends")
        return message.nonce

    async def key(self, *keys: str) -> None:
        """Keys as a person presses them, by tmux's names."""
        pane = await self.pane()
        for key in keys:
            await self.session.server.run("send-keys", "-t", pane.id, key)
            await asyncio.sleep(_AFTER_ESCAPE if key == "Escape" else 0.15)

    async def type(self, text: str) -> None:
        """Text as a person types it, and wait until it stands in the box."""
        await self.session.server.run("send-keys", "-t", (await self.pane()).id, "-l", text)

        async def shown() -> bool:
            return (await self.box()).text == text

        await self.until(shown, f"{text!r} stands in the box")

    async def idle(self) -> bool:
        """Whether Claude waits for a prompt, with an empty box or a draft."""
        registered = await self.registered()
        said = registered.status if registered is not None else getattr(await self.fallback(), "status", "")
        return said in ("idle", "shell") and (await self.box()).present

    async def calm(self) -> None:
        """Leave whatever is open and empty the box, or start anew."""
        self.standin.reset()
        try:
            await self.pane()
        except Wrong:
            await self.start(resume=bool(self.rows()))
            return
        for _ in range(_KEYS):
            box = await self.box()
            if not (box.present and box.focused):
                await self.key("Escape")
            elif box.text:
                await self.key("C-e", "C-u", "BSpace")
            elif await self.idle():
                return

    async def kill(self) -> None:
        """Kill -9 of Claude."""
        os.kill((await self.pane()).pid, signal.SIGKILL)

        async def dead() -> bool:
            pane = await self.session.look()
            return pane is None or pane.dead

        await self.until(dead, "Claude is dead")

    async def until(self, condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 - the condition's own value
        """Wait until the condition, or what it is awaited for, is true; its value. Wrong when it does not come."""
        give_up = time.monotonic() + WITHIN
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            if time.monotonic() > give_up:
                raise Wrong(f"not within {WITHIN:.0f} s: {what}")
            await asyncio.sleep(0.02)
