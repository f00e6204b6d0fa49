"""The hands on the session: tmux server, pane, Claude's files. Looks and acts; decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable

from ccmux.claude import launch, registry
from ccmux.claude import transcript as transcripts
from ccmux.claude.login import Kind
from ccmux.core.clock import seconds_since
from ccmux.core.envelope import (
    BREAKS,
    ROWS,
    end_marker,
    envelope_id,
    images_in,
    is_ours,
    keystrokes,
    stands_in,
    strokes,
    words_of_person,
)
from ccmux.core.limit import is_menu
from ccmux.core.screen import Box, read_box
from ccmux.core.sources import Pane, Registered
from ccmux.daemon.drift import identity
from ccmux.errors import ConfigError, TmuxError, TmuxGone
from ccmux.files import write_private
from ccmux.hooks import gate
from ccmux.hooks.place import place
from ccmux.model.ids import Generation, Nonce, new_generation, new_nonce
from ccmux.model.instance import InstanceSpec
from ccmux.model.message import Message
from ccmux.paths import InstancePaths
from ccmux.tmux import pane as panes
from ccmux.tmux import survivor
from ccmux.tmux.control import Control
from ccmux.tmux.server import Server, configuration

log = logging.getLogger(__name__)

_ENDS_WITHIN = 100
"""Tenths of a second in which Claude ends after SIGTERM."""
_NOT_AGAIN = 3.0
"""Seconds between two Ctrl+C: for a second or so the next one would end Claude."""
_STASHED_WITHIN = 20.0
"""Seconds in which Claude draws what Ctrl+S did (0.13 s was seen on a busy machine); after that it may be pressed again."""
_DRAWN_WITHIN = 5.0
"""Seconds in which words that were given back must be drawn."""
_WORD = re.compile(r"[A-Za-z0-9-]{3,60}")
"""What can be looked for on the screen by tmux, to be sure that it still shows what was looked at."""
_KEYS_EVERY = 0.2
"""Seconds between two questions to tmux, while a person is attached, whether a key was pressed: it tells of none."""
_TAKEN_WITHIN = 0.5
"""Seconds in which Claude takes an Enter out of its terminal; some 20 ms, measured."""
_DRAWINGS = 20
"""Looks at the box until it must show the whole message."""
_ATTACHED_WITHIN = 5.0
"""Seconds in which Claude reads a pasted image; 0.1 s, measured."""
_STALE = 10.0
"""Seconds after a tool began in which its dialog must have been drawn."""
_KEPT_LINES = 200
"""Of the scrolled-out lines of a dead pane; tmux scrolls once more to say that it is dead."""


class Session:
    """One instance's session as the driver handles it."""

    def __init__(
        self,
        paths: InstancePaths,
        spec: InstanceSpec,
        tell: Callable[..., None],
        umask: int = 0o077,
        *,
        no_server: bool = False,
    ) -> None:
        self.paths = paths
        self.spec = spec
        self._tell = tell
        self.server = Server(paths.tmux_socket, paths.tmux_conf, launch.clean_environment(os.environ))
        self._control: Control | None = None
        self._pane: Pane | None = None
        self._attended = asyncio.Event()
        self._emptied = -_NOT_AGAIN
        self._stashing: tuple[Box | None, float] = (None, 0.0)
        self._watched: tuple[int, int] | None = None
        self._umask = umask
        self._no_server = no_server
        self._login = launch.login_of(paths, spec, os.environ)

    @property
    def login(self) -> str:
        """How Claude is logged in, for people."""
        return f"{self._login.kind}: {self._login.detail}"

    def logged_out(self) -> bool:
        """Whether there certainly is no login (elsewhere than on Linux it may stand in a keychain)."""
        if sys.platform != "linux":
            return False
        with contextlib.suppress(ConfigError):  # a broken .env is told at the next start
            self._login = launch.login_of(self.paths, self.spec, os.environ)
        return self._login.kind is Kind.NONE

    # looking

    async def look(self) -> Pane | None:
        """The pane as it is; None when there certainly is no session. Raises TmuxError when that is unknown."""
        try:
            control = await self._connected()
            if control is None:
                self._pane = None
                return None
            self._pane = await panes.look(control, self.paths.session)
        except TmuxGone:
            await self.disconnect()
            self._pane = None
        self._watch_process(self._pane)
        if self._pane is not None and self._pane.people:
            self._attended.set()
        else:
            self._attended.clear()
        return self._pane

    def registered(self) -> Registered | None:
        pane = self._pane
        return None if pane is None or pane.dead else registry.read(self.paths.claude, pane.pid)

    async def watch_keys(self) -> None:
        """Tell of a person's first key within `_KEYS_EVERY`, for ever; costs nothing while nobody is attached."""
        while True:
            await self._attended.wait()
            await asyncio.sleep(_KEYS_EVERY)
            with contextlib.suppress(TmuxError, OSError):  # the driver meets it, too, and tells
                if self._control is None or self._pane is None:
                    self._attended.clear()
                elif await panes.activity(self._control, self.paths.session) != self._pane.activity:
                    self._tell()

    async def box(self) -> Box | None:
        """The prompt box on the screen."""
        if self._pane is None:
            return None
        at = ["-t", self._pane.id]
        said = await self.server.run("display-message", "-p", *at, "#{cursor_y}", ";", "capture-pane", "-p", "-e", *at)
        cursor, _, screen = said.partition("\n")
        box = read_box(screen, int(cursor or 0))
        if box != self._stashing[0]:
            self._stashing = None, 0.0  # the key has shown its effect, or something else has
        return box

    async def screen(self, history: int = 0) -> str | None:
        """The screen with its attributes, by a process of its own: foreign text never passes the control connection."""
        if self._pane is None:
            return None
        start = ["-S", f"-{history}"] if history else []
        return await self.server.run("capture-pane", "-p", "-e", *start, "-t", self._pane.id)

    # acting

    async def start(self, session_id: str, *, resume: bool) -> Generation:
        """Start Claude in the pane, making server and session if need be."""
        await asyncio.to_thread(place, self.paths.hooks)
        prepared = await asyncio.to_thread(
            launch.prepare, self.paths, self.spec, os.environ, session_id=session_id, resume=resume, umask=self._umask
        )
        self._login = prepared.login
        if prepared.login.shadowed:
            log.warning("login: %s", prepared.login.shadowed)
        generation = new_generation()
        command = ["/bin/sh", str(prepared.script)]
        write_private(self.paths.tmux_conf, configuration(self.spec.terminal).encode())
        write_private(self.paths.started_binary, identity(str(prepared.binary)).encode("utf-8", "surrogateescape"))
        pane = self._pane
        if pane is None:
            options = {panes.GENERATION_OPTION: generation}
            await self.server.new_session(
                self.paths.session, self.spec.terminal, command, options, start_server=not self._no_server
            )
        else:
            option = [";", "set-option", "-p", "-t", pane.id, panes.GENERATION_OPTION, generation]
            await self.server.run("respawn-pane", "-k", "-t", pane.id, *command, *option)
        return generation

    async def end_claude(self) -> bool:
        """Have Claude end in order, as a stop does, and wait until it has; False when it does not."""
        pane = self._pane
        if pane is None or pane.dead:
            return True
        with contextlib.suppress(ProcessLookupError):
            os.kill(pane.pid, signal.SIGTERM)
        for _ in range(_ENDS_WITHIN):
            now = await self.look()
            if now is None or now.dead or now.pid != pane.pid:
                return True
            await asyncio.sleep(0.1)
        return False

    async def keep_screen(self) -> None:
        """Keep what the dead pane shows, for a person."""
        with contextlib.suppress(TmuxError):
            screen = await self.screen(_KEPT_LINES) or ""
            write_private(self.paths.last_screen, screen.encode("utf-8", "surrogateescape"))

    async def paste(self, message: Message, generation: Generation) -> str:
        control, pane = self._of(generation)
        if control is None or pane is None:
            return "refused"
        *images, rest = strokes(message, message.nonce, BREAKS if pane.height >= ROWS else 0)
        for number, piece in enumerate(images, 1):
            if not await panes.type_text(control, pane, piece, f"{message.nonce}-{number}"):
                return "unseen" if number > 1 else "refused"
            if not await self._images_shown(number):
                return "unseen"
        outcome = await panes.paste(control, pane, rest, end_marker(message.nonce))
        if outcome == "shown" and not await self._stands(message):
            return "unseen"
        return "unseen" if images and outcome == "refused" else outcome

    async def _stands(self, message: Message) -> bool:
        """Whether the box shows the message as it was typed; it may be drawn in several steps."""
        for _ in range(_DRAWINGS):
            box = await self.box()
            if box is not None and box.focused and stands_in(box.text, message):
                return True
            await asyncio.sleep(0.05)
        return False

    async def _images_shown(self, wanted: int) -> bool:
        """Whether Claude has read every image; it shows a path until it has."""
        give_up = time.monotonic() + _ATTACHED_WITHIN
        while wanted:
            box = await self.box()
            if box is not None and images_in(box.text) >= wanted:
                break
            if time.monotonic() > give_up:
                return False
            await asyncio.sleep(0.05)
        return True

    async def enter(self, nonce: Nonce, generation: Generation) -> bool:
        """Press Enter while no dialog can open, and wait until Claude has taken it; False when it was not pressed."""
        control, pane = self._of(generation)
        if control is None or pane is None:
            return False
        with gate.closed(self.paths.gate) as passed_at:
            if passed_at is None or not self._calm(passed_at):
                return False
            if not await panes.enter(control, pane, end_marker(nonce)):
                return False
            await self._taken(nonce)
        return True

    def _calm(self, passed_at: float) -> bool:
        """Whether Claude still says that it is idle, and said so after the latest tool began.

        A dialog that is about to be drawn for that tool cannot be seen yet. Where Claude keeps no registry, no tool may
        have begun for a while.
        """
        registered = self.registered()
        stale = seconds_since(passed_at, time.time()) > _STALE
        if registered is None:
            return stale
        if registered.status not in ("idle", "shell"):
            return False
        return passed_at <= registered.changed_at or stale

    async def _taken(self, nonce: Nonce) -> None:
        give_up, pause = time.monotonic() + _TAKEN_WITHIN, 0.01
        while time.monotonic() < give_up:
            box = await self.box()
            if box is None or nonce not in box.text:
                return
            await asyncio.sleep(pause)
            pause *= 2

    async def escape(self) -> bool:
        """Press Esc; False when tmux refused, or there is no living pane."""
        if self._control is None or self._pane is None or self._pane.dead:
            return False
        return await panes.escape(self._control, self._pane)

    async def leave_limit_menu(self) -> bool:
        """Press Esc if the screen shows the menu that Claude opens at a limit; whether it was pressed. It means: wait."""
        control, pane = self._control, self._pane
        if control is None or pane is None or pane.dead:
            return False
        screen = await self.server.run("capture-pane", "-p", "-t", pane.id)
        return is_menu(screen) and await panes.escape(control, pane, "Stop and wait for limit to reset")

    async def command(self, words: str) -> bool:
        """Type one of Claude's own commands into an empty box and press Enter; False when it was not pressed."""
        control, pane = self._control, self._pane
        if (
            control is None
            or pane is None
            or not await panes.type_text(control, pane, [words], f"{new_nonce()}-command")
        ):
            return False
        shown = await self._shows_only(words)
        with gate.closed(self.paths.gate) as passed_at:
            calm = shown and passed_at is not None and self._calm(passed_at)
            pressed = calm and await panes.enter(control, pane, words)
        if shown and not pressed:
            await self._empty(words, pane.generation)
        return pressed

    async def _shows_only(self, words: str) -> bool:
        for _ in range(_DRAWINGS):
            box = await self.box()
            if box is not None and box.text == words:
                return True
            await asyncio.sleep(0.05)
        return False

    async def terminals(self) -> list[str]:
        """The terminals of the people who are attached."""
        return [] if self._control is None else await panes.terminals(self._control, self.paths.session)

    async def stash(self, generation: Generation, draft: str) -> bool:
        """Have Claude set that draft aside, or put one back where `draft` is empty; False when the key was not pressed.

        A second Ctrl+S undoes the first. So it waits until the first is drawn, and presses none while the box looks as it
        did before.
        """
        control, pane = self._of(generation)
        before = await self.box()
        if control is None or pane is None or before is None or not before.present or before.text != draft:
            return False
        if before == self._stashing[0] and time.monotonic() - self._stashing[1] < _STASHED_WITHIN:
            return False
        if not await panes.stash(control, pane):
            return False
        self._stashing = before, time.monotonic()
        for _ in range(_DRAWINGS):
            if await self.box() != before:
                break
            await asyncio.sleep(0.05)
        return True

    async def clear(self, message: Message, generation: Generation) -> bool:
        """Delete what we typed, as long as nothing of a person's stands in the box; whether it is empty now."""
        before = await self.box()
        text = before.text if before is not None else ""
        if not (is_ours(text, message) or envelope_id(text)):
            return False
        return await self._empty(text, generation)

    async def clear_left_over(self, generation: Generation) -> bool:
        """Delete what stands in the box of a message that has ended: Esc puts a prompt back there."""
        before = await self.box()
        return before is not None and bool(envelope_id(before.text)) and await self._empty(before.text, generation)

    async def untangle(self, message: Message, generation: Generation) -> bool:
        """A person has typed behind our text: delete all of it, and give him back his words as a draft."""
        before = await self.box()
        words = words_of_person(before.text, message) if before is not None else None
        if before is None or words is None:
            return False
        if words:
            write_private(self.paths.draft, words.encode("utf-8", "replace"))
            write_private(self.paths.taken_out, f"{generation}\n{words}".encode("utf-8", "replace"))
        if not await self._empty(before.text, generation):
            return False  # it may yet be drawn: then the words are owed
        return await self.give_back("") if words else True

    @property
    def owes_words(self) -> bool:
        """Whether a person's words were taken out of the box, and the daemon died before it had given them back."""
        return self.paths.taken_out.exists()

    async def give_back(self, box: str) -> bool:
        """Type the words that were taken out of the box, unless they stand there, or this is another Claude.

        False: not now. Another draft is there, or tmux refused.
        """
        generation, _, words = self.paths.taken_out.read_text(encoding="utf-8").partition("\n")
        control, pane = self._of(Generation(generation))
        there = "".join(box.split()).startswith("".join(words.split()))  # behind our text they do not stand first
        if control is not None and pane is not None and not there:
            typed = not box and await panes.type_text(control, pane, keystrokes(words), f"{generation}-back")
            if not typed:
                return False
            await self._drawn()
        self.paths.taken_out.unlink(missing_ok=True)
        return True

    async def _drawn(self) -> None:
        """Wait until something stands in the box: it looks empty until then, and a message would be typed behind it."""
        give_up = time.monotonic() + _DRAWN_WITHIN
        while time.monotonic() < give_up:
            box = await self.box()
            if box is not None and box.text:
                return
            await asyncio.sleep(0.05)

    async def _empty(self, text: str, generation: Generation) -> bool:
        """Have Claude empty its box, if that text still stands there; whether it is empty then."""
        control, pane = self._of(generation)
        if control is None or pane is None or time.monotonic() - self._emptied < _NOT_AGAIN:
            return False
        self._emptied = time.monotonic()
        words = _WORD.findall(text.rpartition("\n")[2])
        if not await panes.erase(control, pane, max(words, key=len, default="")):
            return False
        for _ in range(_DRAWINGS):
            box = await self.box()
            if box is not None and box.empty:
                return True
            await asyncio.sleep(0.05)
        return False

    def resumable(self, session_id: str) -> bool:
        """Whether Claude can resume that conversation. Asked only while no Claude runs in it."""
        return transcripts.resumable(self.paths.claude, session_id)

    async def disconnect(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            await control.close()
        self._watch_process(None)

    # inside

    def _of(self, generation: Generation) -> tuple[Control | None, Pane | None]:
        if self._pane is None or self._pane.generation != generation:
            return None, None
        return self._control, self._pane

    async def _connected(self) -> Control | None:
        if self._control is not None and self._control.closed.is_set():
            await self.disconnect()
        if self._control is None:
            if not self.paths.tmux_socket.exists():
                await asyncio.to_thread(survivor.revive, self.paths.tmux_server, self.paths.tmux_socket)
            if not self.paths.tmux_socket.exists() or not await self.server.has_session(self.paths.session):
                return None
            self._control = await Control.attach(self.server, self.paths.session, self._tell)
            (pid,) = await self._control.run("display-message -p '#{pid}'")
            survivor.remember(self.paths.tmux_server, int(pid))
            if sys.platform != "linux":
                await self._control.run("refresh-client -B 'ccmux:%*:#{pane_dead}'")
        return self._control

    def _watch_process(self, pane: Pane | None) -> None:
        """Be told at once when Claude's process ends (Linux: pidfd; elsewhere tmux tells within a second)."""
        pid = None if pane is None or pane.dead else pane.pid
        if self._watched is not None and self._watched[0] != pid:
            asyncio.get_running_loop().remove_reader(self._watched[1])
            os.close(self._watched[1])
            self._watched = None
        if self._watched is None and pid and sys.platform == "linux":
            with contextlib.suppress(ProcessLookupError):
                fd = os.pidfd_open(pid)
                self._watched = (pid, fd)
                asyncio.get_running_loop().add_reader(fd, self._process_ended)

    def _process_ended(self) -> None:
        if self._watched is not None:
            asyncio.get_running_loop().remove_reader(self._watched[1])
        self._tell()
