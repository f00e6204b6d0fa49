"""People at the terminal: whatever they do there, no word of theirs is lost or mixed with a message, and none is lost."""

from __future__ import annotations

import fcntl
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pexpect
import pytest

from ccmux.core.screen import Box, read_box
from tests.double.install import install
from tests.rig import Rig, kill, until

pytestmark = pytest.mark.real

TARGET = "=ccmux-a:"
ENTER, NEWLINE, ESC, LEFT, STASH, KILL_LINE, PREFIX = "\r", "\n", "\x1b", "\x1b[D", "\x13", "\x15", "\x02"


ANSWERS = {
    b"\x1b[c": b"\x1b[?62;22c",
    b"\x1b[>c": b"\x1b[>41;390;0c",
    b"\x1b[>q": b"\x1bP>|XTerm(390)\x1b\\",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[?996n": b"\x1b[?997;1n",
    b"\x1b]10;?": b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    b"\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
}
"""What a terminal says of itself. While it owes tmux an answer, newer tmux holds an Esc back for half a second, and makes one
key of two.
"""


class Person:
    """A terminal on the session `a`. What it shows is read all the time, as eyes do; what it is asked it answers."""

    def __init__(self, rig: Rig, *words: str, rows: int = 45, columns: int = 160) -> None:
        argv = ["-m", "ccmux", "attach", "a", *words]
        self._child = pexpect.spawn(sys.executable, argv, env=rig.env)
        self.resize(rows, columns)
        self._eyes = threading.Thread(target=self._look_on, daemon=True)
        self._eyes.start()
        attached = lambda: str(self._child.pid) in rig.tmux("a", "list-clients", "-F", "#{client_pid}").split()  # noqa: E731
        until(attached, "a person is attached")

    def keys(self, text: str) -> None:
        """Press keys, all of them at once."""
        os.write(self._child.fileno(), text.encode())

    def resize(self, rows: int, columns: int) -> None:
        """With the size in pixels, as terminals do: else tmux asks for that, too."""
        size = struct.pack("HHHH", rows, columns, columns * 8, rows * 16)
        fcntl.ioctl(self._child.fileno(), termios.TIOCSWINSZ, size)

    def leave(self) -> None:
        kill(int(self._child.pid or 0), signal.SIGHUP)
        self._eyes.join()
        self._child.close(force=True)

    def _look_on(self) -> None:
        asked = re.compile(b"|".join(map(re.escape, ANSWERS)))
        longest = max(map(len, ANSWERS))
        rest = b""
        with suppress(OSError):
            while read := os.read(self._child.fileno(), 65536):
                rest += read
                at = 0
                for question in asked.finditer(rest):
                    os.write(self._child.fileno(), ANSWERS[question[0]])
                    at = question.end()
                rest = rest[max(at, len(rest) - longest + 1) :]


@contextmanager
def person(rig: Rig, *words: str, rows: int = 45, columns: int = 160) -> Iterator[Person]:
    one = Person(rig, *words, rows=rows, columns=columns)
    try:
        yield one
    finally:
        one.leave()


def impatient(rig: Rig, patience: float = 2, pause: float = 1) -> None:
    """The instance `a`, that has answered once."""
    rig.configured("a", f"delivery.typing_pause={pause:g}", f"delivery.patience={patience:g}")
    assert rig.ask("a", "warm") == "You wrote: warm"


def box(rig: Rig) -> Box:
    return read_box(rig.tmux("a", "capture-pane", "-p", "-e", "-t", TARGET))


def shows(rig: Rig, text: str, *, stashed: bool = False) -> bool:
    """Whether the box holds exactly that, and whether a draft is set aside."""
    seen = box(rig)
    return seen.present and (seen.text, seen.stashed) == (text, stashed)


def drafted(rig: Rig, one: Person, *keys: str, text: str) -> None:
    """The person presses the keys, and leaves the text in the box."""
    for key in keys:
        one.keys(key)
    until(lambda: shows(rig, text), f"the box holds {text!r}")


def settled(rig: Rig) -> list[dict[str, Any]]:
    """All messages, once each has ended."""
    ended = ("done", "rejected", "dead")
    until(lambda: all(one["message"]["state"] in ended for one in rig.history("a")), "every message has ended", 120)
    return rig.history("a")


def answered_once(rig: Rig, *texts: str) -> None:
    """Those messages, and no others after the first, are done with an echo each, and each was one prompt of its own."""
    history = settled(rig)[1:]
    assert [one["message"]["text"] for one in history] == list(texts)
    assert [one["message"]["state"] for one in history] == ["done"] * len(texts)
    assert [[reply["text"] for reply in one["replies"]] for one in history] == [[f"You wrote: {one}"] for one in texts]
    for text in texts:
        assert len([prompt for prompt in rig.prompts() if text in prompt]) == 1
    assert [one for one in envelopes(rig) if one.count("[ccmux ") != 1 or one.count("[end-") != 1] == []


def envelopes(rig: Rig) -> list[str]:
    return [prompt for prompt in rig.prompts() if "[ccmux " in prompt or "[end-" in prompt]


def own(rig: Rig) -> list[str]:
    """What the person said to Claude."""
    return [prompt for prompt in rig.prompts() if "[ccmux " not in prompt and "[end-" not in prompt]


def stays(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """It is true all the time: a slow machine makes it longer, never wrong."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), what
        time.sleep(0.05)


DRAFTS = {
    "one line": (("half a thought",), "half a thought"),
    "several lines": (("first line", NEWLINE, "second line", NEWLINE, "third"), "first line\nsecond line\nthird"),
    "cursor in the middle": (("half a thought", LEFT * 7), "half a thought"),
    "wide characters": (("漢字 👩‍👩‍👧 é",), "漢字 👩‍👩‍👧 é"),
}


@pytest.mark.parametrize("kind", DRAFTS)
def test_a_draft_that_was_left_makes_way_for_a_message_and_comes_back_whole(rig: Rig, kind: str) -> None:
    impatient(rig)
    keys, draft = DRAFTS[kind]
    with person(rig) as anna:
        drafted(rig, anna, *keys, text=draft)
        rig.run("send", "a", "from a channel")
        answered_once(rig, "from a channel")
        until(lambda: shows(rig, draft), "the draft is back")
        assert f"a draft of {len(draft)} characters is set aside" in rig.logs()
        assert own(rig) == []
        anna.keys(ENTER)
        until(lambda: own(rig), "the person has sent it")
        assert own(rig) == [draft]
        assert rig.ask("a", "and again") == "You wrote: and again"


def test_a_shell_line_that_was_left_is_not_run_and_comes_back(rig: Rig) -> None:
    impatient(rig)
    made = rig.home / "made"
    with person(rig) as anna:
        drafted(rig, anna, "!", f"touch {made}", text=f"!touch {made}")
        rig.run("send", "a", "from a channel")
        answered_once(rig, "from a channel")
        until(lambda: shows(rig, f"!touch {made}"), "the shell line is back")
        assert not made.exists()
        anna.keys(ENTER)
        until(made.exists, "now it is run")


def test_a_slash_command_that_was_left_with_its_menu_open_comes_back(rig: Rig) -> None:
    impatient(rig)
    with person(rig) as anna:
        drafted(rig, anna, "/mod", text="/mod")
        until(lambda: "/model" in rig.screen("a"), "the menu is open")
        rig.run("send", "a", "from a channel")
        answered_once(rig, "from a channel")
        until(lambda: shows(rig, "/mod"), "the command is back")


def drawing_late(rig: Rig, seconds: str) -> None:
    """The instance `a` with a Claude that draws so late that its box is empty, or is not: the real one does by chance."""
    install(rig.home / "bin" / "claude")
    rig.new("a", "--no-start")
    with rig.paths("a").env.open("a") as file:
        file.write(f"CCMUX_DOUBLE_DRAW={seconds}\n")
    impatient(rig)


@pytest.mark.parametrize("late", ["0.5", "3"])
def test_a_draft_is_set_aside_once_however_late_that_is_drawn(rig: Rig, late: str) -> None:
    """A second Ctrl+S would put it back into a box that looks empty, in front of the message."""
    drawing_late(rig, late)
    with person(rig) as anna:
        drafted(rig, anna, "half a thought", text="half a thought")
        assert rig.ask("a", "from a channel") == "You wrote: from a channel"
        until(lambda: shows(rig, "half a thought"), "the draft is back")
    assert [one["message"]["attempt"] for one in rig.history("a")] == [1, 1]
    assert rig.logs().count("is set aside for a message") == 1


def restless(rig: Rig, looks: int = 30) -> bool:
    """Have the daemon look again and again, as it does when much happens."""
    for _ in range(looks):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(rig.paths("a").control_socket))
            client.sendall(b'{"op":"status"}\n')
            client.recv(65536)
    return True


def test_what_was_typed_into_a_message_is_given_back_however_late_it_is_drawn(rig: Rig) -> None:
    """The next attempt would be typed behind it, into a box that looks empty."""
    drawing_late(rig, "0.8")
    with person(rig) as anna:
        rig.run("send", "a", "from a channel")
        until(lambda: rig.history("a")[-1]["message"]["state"] != "received", "it is being typed")
        anna.keys("k")
        until(lambda: restless(rig) and not _waiting(rig), "it is answered")
        last = rig.history("a")[-1]
        assert [reply["text"] for reply in last["replies"]] == ["You wrote: from a channel"]
        assert last["message"]["attempt"] <= 2
        until(lambda: shows(rig, "k"), "the key is a draft")


@pytest.mark.parametrize("then", ["clears", "sends"])
def test_what_a_person_has_set_aside_is_never_overwritten(rig: Rig, then: str) -> None:
    impatient(rig, patience=1)
    with person(rig) as anna:
        drafted(rig, anna, "the older thought", text="the older thought")
        anna.keys(STASH)
        until(lambda: shows(rig, "", stashed=True), "it is set aside")
        anna.keys("the newer thought")
        until(lambda: shows(rig, "the newer thought", stashed=True), "a second one is begun")
        rig.run("send", "a", "from a channel")
        until(lambda: rig.status("a")["blocked"] == "draft", "it says why it waits")
        stays(lambda: shows(rig, "the newer thought", stashed=True), 4, "neither thought is touched")
        assert rig.history("a")[-1]["message"]["state"] == "received"
        anna.keys(KILL_LINE if then == "clears" else ENTER)
        answered_once(rig, "from a channel")
        until(lambda: shows(rig, "the older thought"), "the older thought is back")
        assert own(rig) == ([] if then == "clears" else ["the newer thought"])


def _mode(rig: Rig) -> tuple[str, str]:
    mode, _, position = (
        rig.tmux("a", "display-message", "-p", "-t", TARGET, "#{pane_mode} #{scroll_position}").strip().partition(" ")
    )
    return mode, position


def _hasten(rig: Rig) -> None:
    """From here on patience is short. Claude and the view of a person outlive the daemon."""
    rig.run("config", "set", "a", "delivery.patience", "1")
    rig.run("restart", "a")


def test_a_person_who_reads_in_copy_mode_keeps_the_view_while_messages_go_on_beneath_it(rig: Rig) -> None:
    impatient(rig, patience=1000)
    rig.standin.queue({"text_size": 6000})
    rig.run("send", "a", "much", "--wait")
    with person(rig) as anna:
        anna.keys(PREFIX + "[")
        until(lambda: _mode(rig)[0] == "copy-mode", "copy mode")
        rig.tmux("a", "send-keys", "-t", TARGET, "-X", "-N", "20", "scroll-up")
        before = _mode(rig)
        assert before == ("copy-mode", "20")
        rig.run("send", "a", "later")
        until(lambda: rig.status("a")["blocked"] == "copy-mode", "it says why it waits")
        _hasten(rig)
        assert settled(rig)[-1]["replies"][0]["text"] == "You wrote: later"
        assert _mode(rig) == before
        anna.keys("q")
        until(lambda: _mode(rig)[0] == "", "copy mode is left")
        until(lambda: "You wrote: later" in rig.screen("a"), "the person sees what happened")


def test_a_person_who_looks_at_the_tree_of_sessions_keeps_it(rig: Rig) -> None:
    impatient(rig, patience=1000)
    with person(rig) as anna:
        anna.keys(PREFIX + "w")
        until(lambda: _mode(rig)[0] == "tree-mode", "the tree is shown")
        rig.run("send", "a", "later")
        until(lambda: rig.status("a")["blocked"] == "tree-mode", "it says why it waits")
        _hasten(rig)
        answered_once(rig, "later")
        assert _mode(rig)[0] == "tree-mode"


def test_nothing_is_typed_while_a_person_types_and_then_all_is_in_order(rig: Rig) -> None:
    impatient(rig, patience=6, pause=2)
    messages = [f"message number {number}" for number in range(5)]
    with person(rig) as anna:
        sender = threading.Thread(target=lambda: [rig.run("send", "a", text) for text in messages])
        typed = "a"
        anna.keys(typed)
        sender.start()
        while sender.is_alive() or len(typed) < 30:
            time.sleep(0.3)
            anna.keys("a")
            typed += "a"
            assert {one["message"]["state"] for one in rig.history("a")[1:]} <= {"received"}
        sender.join()
        until(lambda: shows(rig, typed), "all keys have arrived")
        answered_once(rig, *messages)
        assert [one for one in rig.prompts() if "message number" in one] == envelopes(rig)[1:]
        until(lambda: shows(rig, typed), "what was typed is still there")
        anna.keys(ENTER)
        until(lambda: own(rig) == [typed], "and is sent as one prompt")


TRIES = 6


def test_a_daemon_that_dies_while_a_draft_is_set_aside_leaves_it_to_the_next(rig: Rig) -> None:
    """The moment is short. It is missed when the message was entered before the kill; then it is tried again."""
    impatient(rig, patience=1)
    long = "many words " * 450
    with person(rig) as anna:
        drafted(rig, anna, "half a thought", text="half a thought")
        for number in range(1, TRIES + 1):
            rig.run("send", "a", "-", stdin=f"{number} {long}")
            until(lambda: box(rig).stashed or _prompted(rig, number), "the draft is set aside", 120)
            rig.kill_daemon("a")
            caught = box(rig).stashed
            rig.run("start", "a")
            until(lambda: rig.history("a")[-1]["message"]["state"] == "done", "the message is answered", 120)
            until(lambda: shows(rig, "half a thought"), "the draft is back")
            assert len([prompt for prompt in rig.prompts() if f"{number} {long}".strip() in prompt]) == 1
            assert len(rig.history("a")[-1]["replies"]) == 1
            if caught:
                break
        else:
            pytest.fail(f"the moment was missed {TRIES} times")
        assert own(rig) == []
        anna.keys(ENTER)
        until(lambda: own(rig) == ["half a thought"], "it is the person's again")


def _prompted(rig: Rig, number: int) -> bool:
    return any(f"{number} many" in prompt for prompt in rig.prompts())


def test_a_second_and_smaller_terminal_and_one_that_may_only_look_change_nothing(rig: Rig) -> None:
    impatient(rig)
    with person(rig) as anna, person(rig, rows=10, columns=80) as bert, person(rig, "--read-only", rows=30) as carl:
        bert.keys("x")  # the size follows the terminal that was used last
        until(lambda: shows(rig, "x"), "the small terminal is used")
        bert.keys("\x7f")
        until(lambda: shows(rig, ""), "and emptied")
        assert rig.tmux("a", "display-message", "-p", "-t", TARGET, "#{window_width}").strip() == "80"
        texts = [f"message {number} " + "word " * 60 for number in range(3)]
        for text in texts:
            rig.run("send", "a", text.strip())
        carl.keys("this is typed in vain" + ENTER)
        anna.resize(20, 100)
        answered_once(rig, *[text.strip() for text in texts])
        assert own(rig) == []
        drafted(rig, anna, "anna's half", text="anna's half")
        rig.run("send", "a", "the last")
        answered_once(rig, *[text.strip() for text in texts], "the last")
        until(lambda: shows(rig, "anna's half"), "the draft is back")


@pytest.mark.parametrize("mode", ["insert", "normal"])
def test_messages_arrive_as_they_are_in_vim_mode(rig: Rig, mode: str) -> None:
    rig.new("a", "--no-start")
    for setting in ("typing_pause", "patience"):
        rig.run("config", "set", "a", f"delivery.{setting}", "1")
    rig.paths("a").claude.mkdir(exist_ok=True)
    (rig.paths("a").claude / ".claude.json").write_text('{"editorMode": "vim"}')
    rig.run("start", "a")
    texts = ["dd 0 x :q ggdG iii", "two lines\nof ~ text u", "x" * 2000]
    with person(rig) as anna:
        assert rig.ask("a", "warm") == "You wrote: warm"
        until(lambda: "-- INSERT --" in rig.screen("a"), "vim mode is on")
        for number, text in enumerate(texts):
            if mode == "normal":
                anna.keys(ESC)
                until(lambda: "-- INSERT --" not in rig.screen("a"), "normal mode")
            rig.run("send", "a", text)
            answered_once(rig, *texts[: number + 1])
        until(lambda: shows(rig, ""), "nothing is left in the box")


def test_a_draft_left_in_normal_mode_of_vim_comes_back(rig: Rig) -> None:
    rig.new("a", "--no-start")
    for setting in ("typing_pause", "patience"):
        rig.run("config", "set", "a", f"delivery.{setting}", "1")
    rig.paths("a").claude.mkdir(exist_ok=True)
    (rig.paths("a").claude / ".claude.json").write_text('{"editorMode": "vim"}')
    rig.run("start", "a")
    with person(rig) as anna:
        assert rig.ask("a", "warm") == "You wrote: warm"
        drafted(rig, anna, "half a thought", text="half a thought")
        anna.keys(ESC)
        until(lambda: "-- INSERT --" not in rig.screen("a"), "normal mode")
        rig.run("send", "a", "from a channel")
        answered_once(rig, "from a channel")
        until(lambda: shows(rig, "half a thought"), "the draft is back")


def test_a_key_that_meets_a_message_in_the_box_stops_no_queue_and_goes_with_no_message(rig: Rig) -> None:
    """The moment is short. When the key came before or after the message, it is tried again."""
    impatient(rig)
    texts: list[str] = []
    with person(rig) as anna:
        for number in range(TRIES):
            texts += [f"{number} " + "many words " * 500 + "the end", f"{number} after it"]
            rig.run("send", "a", texts[-2])
            while "[ccmux" not in box(rig).text and not _prompted(rig, number):
                pass
            anna.keys("k")
            until(lambda: dense(box(rig).text).endswith("k"), "the key is drawn")
            met = "[end-" in box(rig).text
            rig.run("send", "a", texts[-1])
            until(lambda: len(_waiting(rig)) == 0, "both are answered")
            assert own(rig) == []
            until(lambda: shows(rig, "k"), "the key is a draft, and nothing of a message stands in the box")
            if met:
                break
            anna.keys("\x7f")
            until(lambda: shows(rig, ""), "it is taken back")
        else:
            pytest.fail(f"the moment was missed {TRIES} times")
    prompts = envelopes(rig)[1:]
    assert [one for one in prompts if one.count("[ccmux ") != 1 or not re.search(r"\[end-\w{8}\]\Z", one)] == []
    assert len(prompts) == len(texts)


def dense(text: str) -> str:
    """Without white space: a narrow screen wraps words."""
    return "".join(text.split())


class Author:
    """What a person does at the terminal with eyes on it, and what of it must come out.

    All that is typed are numbered words, each pressed at once, so that where one went can be told. The person looks at
    the box before every act, and goes on only when it holds what it should: `draft`.
    """

    def __init__(self, rig: Rig, one: Person, chance: random.Random) -> None:
        self.rig, self.one, self.chance = rig, one, chance
        self.draft: list[str] = []
        self.sent: list[str] = []
        self.unsure: list[str] = []
        """words that were killed, or that met a message in the box and were taken back"""
        self._number = 0

    def mine(self) -> bool:
        seen = box(self.rig)
        return seen.present and seen.focused and not seen.stashed and dense(seen.text) == "".join(self.draft)

    def look(self) -> None:
        until(lambda: self.mine() or self._apart(), f"the box holds {''.join(self.draft)!r} again", 60)

    def _apart(self) -> bool:
        """Take back a word that was typed just when the draft had been set aside: until then the draft and messages wait."""
        seen = box(self.rig)
        if seen.stashed and len(self.draft) > 1 and dense(seen.text) == self.draft[-1]:
            self.one.keys("\x7f" * len(self.draft[-1]))
            self.unsure.append(self.draft.pop())
        return False

    def pause(self, longest: float = 3) -> None:
        time.sleep(self.chance.uniform(0, longest))

    def word(self, text: str = "") -> bool:
        """Type one word; False when a message came in between, and the word was taken back."""
        self.look()
        self._number += 1
        text = text or f"w{self._number:03d}."
        self.one.keys(text)
        self.draft.append(text)
        until(lambda: text in dense(box(self.rig).text) or box(self.rig).stashed, f"{text} is drawn")
        if self.mine():
            return True
        seen = dense(box(self.rig).text)
        if "[ccmux" in seen and text in seen:
            self.one.keys("\x7f" * len(text))
            self.unsure.append(self.draft.pop())
        return False

    def half(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self.word()
            time.sleep(self.chance.uniform(0, 0.4))

    def send(self) -> None:
        while not self.word():
            pass
        self.one.keys(ENTER)
        self.sent.append("".join(self.draft))
        self.draft = []

    def kill(self) -> None:
        self.half()
        self.look()
        self.one.keys(KILL_LINE)
        self.unsure += self.draft
        self.draft = []
        self.look()

    def scroll(self) -> None:
        self.one.keys(PREFIX + "[")
        until(lambda: _mode(self.rig)[0] == "copy-mode", "copy mode")
        self.one.keys("\x1b[5~")
        self.pause(4)
        with suppress(subprocess.CalledProcessError):  # it was left already, for a draft that had to be set aside
            self.rig.tmux("a", "send-keys", "-t", TARGET, "-X", "cancel")
        until(lambda: not _mode(self.rig)[0], "copy mode is left")

    def settings(self) -> None:
        if not self.draft and self.word("/config"):
            self.one.keys(ENTER)
            self.draft.remove("/config")
            until(lambda: "Settings" in self.rig.screen("a") and not box(self.rig).present, "the menu is open")
            self.pause()
            while "Settings" in self.rig.screen("a") and not box(self.rig).present:
                self.one.keys(ESC)
                time.sleep(1)
            self.look()

    def transcript(self) -> None:
        self.look()
        self.one.keys("\x0f")
        until(lambda: "Showing detailed transcript" in self.rig.screen("a"), "the transcript is shown")
        self.pause()
        self.one.keys("\x0f")
        until(lambda: "Showing detailed transcript" not in self.rig.screen("a"), "it is left")

    def search(self) -> None:
        self.look()
        self.one.keys("\x12")
        until(lambda: "search prompts:" in self.rig.screen("a"), "the search is open")
        self.pause()
        self.one.keys(ESC)
        until(lambda: "search prompts:" not in self.rig.screen("a"), "it is left")

    def company(self) -> None:
        with person(self.rig, rows=30, columns=100):
            self.word()

    def shrink(self) -> None:
        self.one.resize(10, 80)
        self.word()
        self.pause()
        self.one.resize(45, 160)


@contextmanager
def overload(count: int) -> Iterator[None]:
    """The machine has more to do than it can."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


MANY, SENDERS = 100, 4


def _send_in_bursts(rig: Rig, sender: int) -> None:
    chance = random.Random(sender)  # noqa: S311 - the same at every run
    number = 0
    while number < MANY // SENDERS:
        for _ in range(min(chance.randint(1, 9), MANY // SENDERS - number)):
            rig.run("send", "a", f"from {sender}: number {number:02d}" + " and more" * chance.randint(0, 12))
            number += 1
        time.sleep(chance.uniform(0, 5))


def test_a_hundred_messages_and_a_person_at_work_on_a_machine_that_is_overloaded(rig: Rig) -> None:
    impatient(rig, patience=2, pause=1)
    with overload(4), person(rig) as one, ThreadPoolExecutor(SENDERS) as pool:
        anna = Author(rig, one, random.Random(4711))  # noqa: S311 - the same at every run
        senders = [pool.submit(_send_in_bursts, rig, number) for number in range(SENDERS)]
        acts = [anna.half, anna.scroll, anna.send, anna.settings, anna.transcript, anna.search, anna.kill, anna.company]
        acts += [anna.shrink, anna.send, anna.half, anna.scroll, anna.send, anna.kill]
        for act in acts:
            act()
            anna.pause()
        for sender in senders:
            sender.result()
        until(lambda: len(_waiting(rig)) < 5, "most of it is done", 150)
        anna.half()
        history = settled(rig)[1:]
        anna.look()
    _all_is_well(rig, history, anna)


def _waiting(rig: Rig) -> list[dict[str, Any]]:
    return [one for one in rig.history("a") if one["message"]["state"] != "done"]


def _all_is_well(rig: Rig, history: list[dict[str, Any]], anna: Author) -> None:
    texts = [one["message"]["text"] for one in history]
    assert len(texts) == MANY
    for sender in range(SENDERS):
        ours = [text for text in texts if text.startswith(f"from {sender}:")]
        assert [int(text.split()[3]) for text in ours] == list(range(MANY // SENDERS))
    assert {one["message"]["state"] for one in history} == {"done"}
    assert [[reply["text"] for reply in one["replies"]] for one in history] == [
        [f"You wrote: {text}"] for text in texts
    ]
    assert [one for one in envelopes(rig) if one.count("[ccmux ") != 1 or one.count("[end-") != 1] == []
    assert [one.split("] ", 1)[1].rsplit(" [end-", 1)[0] for one in envelopes(rig)[1:]] == texts
    assert max(one["message"]["attempt"] for one in history) <= 3
    words = re.compile(r"w\d{3}\.")
    assert [one for one in envelopes(rig) if words.search(one)] == []
    prompts = [dense(one) for one in own(rig)]
    assert sorted(prompts) == sorted(anna.sent)
    assert anna.draft
    assert len(anna.sent) == 3
    assert [word for word in anna.unsure if word in "".join(prompts)] == []
