#!/usr/bin/env python3
"""A double of Claude Code 2.1.329 for tests that need many turns: terminal, files and hooks as ccmux sees them, no model.

It answers every prompt with `You wrote: …`. What it does as the real one was seen to do it (docs/CLAUDE-CODE.md): rows of
the transcript are written some time after they came to be, so that a kill loses a prompt that was taken; a killed turn is
not continued by `--resume`; Esc puts a prompt that has no answer yet back into the box. It knows no dialogs and no tools.

Its environment: CCMUX_DOUBLE_LEDGER, a file for what truly happened; CCMUX_DOUBLE_DELAY, mean seconds of a turn;
CCMUX_DOUBLE_FLUSH, seconds until a row is written; CCMUX_DOUBLE_DRAW, seconds until it is drawn that the
box is empty, or is not any more.
"""

from __future__ import annotations

import fcntl
import os
import random
import re
import select
import signal
import struct
import sys
import termios
import time
import tty

if not __package__:  # run as a program
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))

from tests.double.files import VERSION, Hooks, Ledger, Registry, Transcript, new_uuid
from tests.double.keys import Keys
from tests.double.paint import screen

_ENVELOPE = re.compile(r"\[ccmux [^\]]*\](.*?)\[end-[a-z2-7]{8}\]", re.DOTALL)
_ESC_WITHIN = 0.03
"""Seconds after which an Esc that nothing follows was the key."""
_AGAIN_ENDS = 1.0
"""Seconds in which a second Ctrl+C ends Claude."""
_SHOWN = 8
"""Turns that are drawn above the box."""
_LONG, _LONG_TURNS = 12.0, 0.08
"""How much longer some turns take, and how many of them."""


def answer(prompt: str) -> str:
    """What "the model" says: the bodies of the envelopes, or all that was written."""
    bodies = [body.rpartition("The message was:\n")[2].strip() for body in _ENVELOPE.findall(prompt)]
    return "You wrote: " + ("\n".join(bodies) if bodies else prompt)


class Claude:
    """One process in one pane."""

    def __init__(self, words: dict[str, str]) -> None:
        environment = os.environ
        config = environment["CLAUDE_CONFIG_DIR"]
        self.resuming = "--resume" in words
        self.session = words.get("--resume") or words.get("--session-id") or new_uuid()
        self.transcript = Transcript(config, self.session)
        self._refuse()
        self.name = words.get("--name", "claude")
        self.registry = Registry(config, self.session, self.name)
        common = {"session_id": self.session, "transcript_path": self.transcript.path, "cwd": os.getcwd()}
        self.hooks = Hooks(words["--settings"], common | {"permission_mode": "dontAsk"})
        self.ledger = Ledger(environment.get("CCMUX_DOUBLE_LEDGER"), self.session)
        self.delay = float(environment.get("CCMUX_DOUBLE_DELAY", "0.005"))
        self.flush_after = float(environment.get("CCMUX_DOUBLE_FLUSH", "0.1"))
        self.drawn_after = float(environment.get("CCMUX_DOUBLE_DRAW", "0"))
        self.keys = Keys()
        self.box = ""
        self.stash: str | None = None
        self.above: list[str] = [f"Claude Code v{VERSION} (double)"]
        self.cancelled = -_AGAIN_ENDS
        self.queue: list[str] = []
        self.prompt: tuple[str, str] | None = None
        self.answer_at: float | None = None
        self.began = 0.0
        self.flush_at: float | None = None
        self.draw_at: float | None = None

    def _refuse(self) -> None:
        if not self.resuming and os.path.exists(self.transcript.path):
            sys.exit(f"Error: Session ID {self.session} is already in use.")
        if self.resuming and not self.transcript.resumable():
            sys.exit(f"No conversation found with session ID: {self.session}")

    # life

    def live(self) -> None:
        tty.setraw(0)
        signal.signal(signal.SIGWINCH, lambda *_: self.draw())
        signal.signal(signal.SIGTERM, lambda *_: self.leave())
        self.ledger.missing(self.transcript.prompts())
        self.ledger.note("began", resuming=self.resuming)
        os.write(1, b"\x1b[?2004h\x1b[2J")
        self.draw()
        self.registry.say("idle")
        self.hooks.run("SessionStart", source="resume" if self.resuming else "startup")
        while True:
            self._wait()
            now = time.monotonic()
            if self.flush_at is not None and now >= self.flush_at:
                self.flush()
            if self.answer_at is not None and now >= self.answer_at:
                self.finish()
            if self.draw_at is not None and now >= self.draw_at:
                self.draw_at = None
                self.draw()

    def _wait(self) -> None:
        times = [at for at in (self.flush_at, self.answer_at, self.draw_at) if at is not None]
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        if self.keys.undecided:
            timeout = min(_ESC_WITHIN, _ESC_WITHIN if timeout is None else timeout)
        ready, _, _ = select.select([0], [], [], timeout)
        if ready:
            data = os.read(0, 65536)
            if not data:
                sys.exit(0)
            self.take(self.keys.feed(data))
        elif self.keys.undecided:
            self.take(self.keys.escape())

    def leave(self) -> None:
        """SIGTERM: leave the conversation in order."""
        self.flush()
        self.hooks.run("SessionEnd", reason="other")
        self.registry.remove()
        sys.exit(143)

    # the box

    def take(self, keys: list[tuple[str, str]]) -> None:
        before = bool(self.box)
        for key, text in keys:
            match key:
                case "text":
                    self.box += text
                case "newline":
                    self.box += "\n"
                case "erase-line":
                    self.box = self.box[: self.box.rfind("\n") + 1]
                case "backspace":
                    self.box = self.box[:-1]
                case "stash" if self.box or self.stash:
                    self.box, self.stash = (self.stash or "", None) if not self.box else ("", self.box)
                case "escape":
                    self.interrupt()
                case "cancel":
                    self.cancel()
                case "enter" if self.box.strip():
                    self.enter()
        if self.drawn_after and self.draw_at is None and bool(self.box) != before:
            self.draw_at = time.monotonic() + self.drawn_after
        self.draw()

    def enter(self) -> None:
        prompt, self.box, self.stash = self.box, self.stash or "", None
        if self.prompt is not None:  # it waits in the running turn, and its hook has that turn's id
            self.queue.append(prompt)
            self.hooks.run("UserPromptSubmit", prompt=prompt, prompt_id=self.prompt[0])
            return
        prompt_id = self.begin(prompt)
        self.hooks.run("UserPromptSubmit", prompt=prompt, prompt_id=prompt_id)
        self.taken(prompt)

    def cancel(self) -> None:
        """Ctrl+C empties a box that holds text; else it ends the turn, and the second in a row ends Claude."""
        before, self.cancelled = self.cancelled, time.monotonic()
        if self.box:
            self.box = ""
        elif self.answer_at is not None:
            self.interrupt()
        elif self.cancelled - before < _AGAIN_ENDS:
            self.leave()

    # the turn

    def begin(self, prompt: str) -> str:
        prompt_id = new_uuid()
        self.prompt = prompt_id, prompt
        self.registry.say("busy")
        self.above = [*self.above, f"❯ {prompt}"][-_SHOWN:]
        self.draw()
        return prompt_id

    def taken(self, prompt: str) -> None:
        """The hook let it pass: the row comes to be, the model is asked."""
        assert self.prompt is not None
        self.ledger.note("asked", prompt_id=self.prompt[0], prompt=prompt)
        self.transcript.user(self.prompt[0], prompt, {"prompt_id": self.prompt[0], "prompt": prompt})
        self.keep()
        longer = _LONG if random.random() < _LONG_TURNS else 1  # noqa: S311 - no secret
        seconds = random.uniform(0.5, 1.5) * self.delay * longer  # noqa: S311 - no secret
        self.began = time.monotonic()
        self.answer_at = self.began + seconds

    def finish(self) -> None:
        assert self.prompt is not None
        prompt_id, prompt = self.prompt
        said = answer(prompt)
        self.answer_at = None
        self.transcript.assistant(said)
        self.keep()
        self.ledger.note("answered", prompt_id=prompt_id, text=said)
        self.hooks.run("Stop", prompt_id=prompt_id, last_assistant_message=said, background_tasks=[])
        self.ledger.note("told", prompt_id=prompt_id)
        self.above = [*self.above, f"● {said}"][-_SHOWN:]
        self.rest()

    def interrupt(self) -> None:
        """Esc: early in a turn it takes the prompt back, later it ends the turn."""
        if self.prompt is None or self.answer_at is None:
            return
        (prompt_id, prompt), early = self.prompt, time.monotonic() - self.began < self.delay / 2
        self.answer_at = None
        self.ledger.note("interrupted", prompt_id=prompt_id)
        if early and not self.box:
            self.box = prompt
        else:
            self.transcript.interrupted()
            self.keep()
        self.rest()

    def rest(self) -> None:
        self.prompt = None
        if self.queue:
            prompt = self.queue.pop(0)
            self.begin(prompt)
            self.taken(prompt)
        else:
            self.registry.say("idle")
        self.draw()

    # files and screen

    def keep(self) -> None:
        if self.flush_after <= 0:
            self.flush()
        elif self.flush_at is None:
            self.flush_at = time.monotonic() + self.flush_after

    def flush(self) -> None:
        self.flush_at = None
        for row in self.transcript.flush():
            self.ledger.note("committed", **row)

    def draw(self) -> None:
        if self.draw_at is not None:
            return
        packed = fcntl.ioctl(1, termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, _, _ = struct.unpack("HHHH", packed)
        busy = self.prompt is not None
        drawn, _ = screen(
            columns or 80,
            rows or 24,
            name=self.name,
            above=self.above,
            box=self.box,
            stashed=self.stash is not None,
            busy=busy,
        )
        title = f"\x1b]0;{'◐' if busy else '✳'} {self.name}\x07"
        os.write(1, (title + drawn).encode("utf-8", "replace"))


def arguments(argv: list[str]) -> dict[str, str]:
    """`--name value` pairs; a word without value is there with an empty one."""
    words: dict[str, str] = {}
    for number, word in enumerate(argv):
        if word.startswith("--"):
            rest = argv[number + 1 : number + 2]
            words[word] = rest[0] if rest and not rest[0].startswith("--") else ""
    return words


def main() -> None:
    words = arguments(sys.argv[1:])
    if "--version" in words:
        sys.stdout.write(f"{VERSION} (Claude Code)\n")
        return
    Claude(words).live()


if __name__ == "__main__":
    main()
