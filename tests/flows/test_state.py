"""What `status` tells is true, whatever happens in the terminal, and messages come through once it is over."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.rig import Rig, until

pytestmark = pytest.mark.real

SHELL = "until [ -e {go} ]; do sleep 0.05; done"
"""A command that runs until a file is there. (Claude Code refuses a plain long sleep.)"""


def keys(rig: Rig, *words: str) -> None:
    rig.tmux("a", "send-keys", "-t", "=ccmux-a:", *words)


def typed(rig: Rig, text: str) -> None:
    """A person types a line and presses Enter once it is drawn."""
    keys(rig, "-l", text)
    until(lambda: f"❯ {text}" in rig.screen("a").replace("\u00a0", " "), f"{text} is drawn")
    keys(rig, "Enter")


def sees(rig: Rig, text: str) -> None:
    until(lambda: text in rig.screen("a"), f"{text!r} is on the screen")


def messages(rig: Rig) -> list[dict[str, Any]]:
    return [one["message"] for one in rig.history("a")]


def states(rig: Rig) -> list[str]:
    return [str(one["state"]) for one in messages(rig)]


def all_ended(rig: Rig) -> list[str]:
    """Wait until no message is left; their states."""
    until(lambda: set(states(rig)) <= {"done", "rejected", "dead"}, "every message has ended")
    return states(rig)


def became(rig: Rig, state: str, reason: str, blocked: str) -> None:
    def told() -> tuple[str, str, str]:
        one = rig.status("a")
        return one["state"], one["reason"], one["blocked"]

    until(lambda: told() == (state, reason, blocked), f"{state} ({reason}) blocked by {blocked!r}")


def times_asked(rig: Rig, text: str) -> int:
    """How many prompts of the conversation, as the API saw it last, hold the text."""
    newest = [request.body for request in rig.standin.requests() if request.main][-1]
    return sum(text in json.dumps(one["content"]) for one in newest["messages"] if one["role"] == "user")


def slash(command: str) -> Callable[[Rig], None]:
    return lambda rig: typed(rig, command)


def press(*words: str) -> Callable[[Rig], None]:
    return lambda rig: keys(rig, *words)


def rewind(rig: Rig) -> None:
    keys(rig, "Escape")
    keys(rig, "Escape")


DIALOG = ("waiting", "dialog", "dialog")


@pytest.mark.parametrize(
    ("opens", "shown", "told"),
    [
        pytest.param(slash("/config"), ["Esc to go back", "Esc to close"], DIALOG, id="config"),
        pytest.param(slash("/model"), ["Select model"], DIALOG, id="model"),
        pytest.param(slash("/resume"), ["Resume session"], DIALOG, id="resume"),
        pytest.param(slash("/permissions"), ["Recently blocked"], DIALOG, id="permissions"),
        pytest.param(rewind, ["Restore the code"], DIALOG, id="rewind"),
        pytest.param(press("C-o"), ["Showing detailed transcript"], ("idle", "", "no prompt box"), id="transcript"),
        pytest.param(press("C-r"), ["search prompts:"], ("idle", "", "overlay"), id="search"),
    ],
)
def test_nothing_is_typed_into_an_overlay_and_the_message_comes_after_it(
    rig: Rig, opens: Callable[[Rig], None], shown: list[str], told: tuple[str, str, str]
) -> None:
    rig.new("a")
    rig.ask("a", "warm")
    opens(rig)
    sees(rig, shown[0])
    until(lambda: rig.status("a")["state"] == told[0], "the state before anything waits")
    before = rig.screen("a")
    rig.run("send", "a", "from a channel")
    became(rig, *told)
    assert rig.status("a")["queue"]["waiting"] == 1
    assert (messages(rig)[-1]["state"], messages(rig)[-1]["attempt"]) == ("received", 0)
    assert rig.screen("a") == before
    for text in shown:
        sees(rig, text)
        keys(rig, "Escape")
    assert all_ended(rig) == ["done", "done"]
    assert messages(rig)[-1]["attempt"] == 1
    assert times_asked(rig, "] from a channel [") == 1


def test_the_help_below_the_box_is_no_hindrance(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "warm")
    keys(rig, "?")
    sees(rig, "shift+tab to cycle modes")
    assert rig.ask("a", "from a channel") == "You wrote: from a channel"
    assert messages(rig)[-1]["attempt"] == 1


def test_the_conversation_that_begins_with_clear_is_followed(rig: Rig) -> None:
    before = rig.new("a")["session_id"]
    assert rig.ask("a", "one") == "You wrote: one"
    typed(rig, "/clear")
    until(lambda: rig.status("a")["session_id"] != before, "the new conversation is known")
    assert rig.ask("a", "two") == "You wrote: two"
    assert "one" not in rig.prompts()[-1]
    assert not times_asked(rig, "] one [")
    rig.run("send", "a", '<<standin {"text": "late", "delay": 0.5}>> three')
    rig.run("send", "a", "four")
    assert all_ended(rig) == ["done"] * 4
    assert [one["replies"][0]["text"] for one in rig.history("a")][2:] == ["late", "You wrote: four"]


def test_a_shell_in_the_background_leaves_the_session_idle(rig: Rig) -> None:
    go = rig.home / "go"
    rig.configured("a", 'claude.allow=["Bash"]')
    shell = {"command": SHELL.format(go=go), "run_in_background": True}
    steps = [{"tool": "Bash", "input": shell}, {"text": "it runs"}]
    assert rig.ask("a", f"<<standin {json.dumps(steps)}>>") == "it runs"
    until(lambda: evidence(rig)["registry"]["value"] == "shell", "Claude says that a shell runs")
    assert rig.status("a")["state"] == "idle"
    assert rig.ask("a", "meanwhile") == "You wrote: meanwhile"
    assert evidence(rig)["registry"]["value"] == "shell"
    go.touch()
    until(lambda: evidence(rig)["registry"]["value"] == "idle", "the shell has ended")
    assert rig.ask("a", "afterwards") == "You wrote: afterwards"


# Esc


def steps(*given: dict[str, Any]) -> str:
    return f"<<standin {json.dumps(given)}>>"


def begins(rig: Rig, text: str) -> None:
    rig.run("send", "a", text)
    until(lambda: states(rig)[-1] == "committed", "its turn runs")


def esc_with_a_second_message_queued(rig: Rig) -> list[str]:
    """Press Esc; the states of the message that was interrupted and of the next."""
    rig.run("send", "a", "the second")
    keys(rig, "Escape")
    ended = all_ended(rig)
    assert times_asked(rig, "] the second [") == 1
    assert rig.history("a")[-1]["replies"][0]["text"] == "You wrote: the second"
    assert [one["attempt"] for one in messages(rig)] == [1] * len(ended)
    assert [len(one["replies"]) for one in rig.history("a")] == [1] * len(ended)
    assert rig.status("a")["state"] == "idle"
    return ended


def test_esc_before_any_output(rig: Rig) -> None:
    rig.new("a")
    begins(rig, steps({"text": "never", "delay": 120}))
    assert esc_with_a_second_message_queued(rig) == ["rejected", "done"]
    assert "never" not in json.dumps(rig.history("a")[0]["replies"])


def test_esc_while_the_answer_is_written(rig: Rig) -> None:
    rig.new("a")
    begins(rig, steps({"text_size": 5000, "chunk": 20, "chunk_delay": 0.2}))
    until(lambda: "● " in rig.screen("a"), "something of the answer is drawn")
    assert esc_with_a_second_message_queued(rig) == ["rejected", "done"]
    assert "interrupted" in messages(rig)[0]["reason"]


def test_esc_while_a_tool_runs(rig: Rig) -> None:
    go = rig.home / "go"
    rig.configured("a", 'claude.allow=["Bash"]')
    command = f"touch {rig.home}/began; {SHELL.format(go=go)}"
    begins(rig, steps({"tool": "Bash", "input": {"command": command}}, {"text": "after"}))
    until((rig.home / "began").exists, "the tool runs")
    assert esc_with_a_second_message_queued(rig) == ["rejected", "done"]
    assert "interrupted" in messages(rig)[0]["reason"]


def test_esc_while_the_api_is_asked_again(rig: Rig) -> None:
    rig.new("a")
    rig.standin.rules({"match": "the first", "steps": [{"status": 529, "error": "overloaded_error"}]})
    begins(rig, "the first")
    until(lambda: len(rig.prompts()) >= 2, "it is asked again")
    assert rig.status("a")["state"] == "busy"
    assert esc_with_a_second_message_queued(rig) == ["rejected", "done"]


def test_esc_just_after_the_answer_takes_nothing_back(rig: Rig) -> None:
    rig.new("a")
    assert rig.ask("a", "the first") == "You wrote: the first"
    assert esc_with_a_second_message_queued(rig) == ["done", "done"]


def ended_or_escaped(rig: Rig) -> bool:
    if rig.status("a")["state"] == "waiting":
        keys(rig, "Escape")
    return states(rig)[-1] in {"done", "rejected", "dead"}


def test_an_esc_at_any_moment_of_a_delivery_loses_nothing_and_doubles_nothing(rig: Rig) -> None:
    """Five messages, and a person who presses Esc some time after each, and again whenever that opened a dialog."""
    rig.new("a")
    rig.ask("a", "warm")
    for number in range(5):
        rig.run("send", "a", steps({"text": f"answer {number}", "delay": 0.1 * (number % 3)}) + f" number {number}.")
        keys(rig, "Escape")
        until(lambda: ended_or_escaped(rig), "it has ended")
    assert set(states(rig)) <= {"done", "rejected"}
    for number, one in enumerate(rig.history("a")[1:]):
        answered = [reply["text"] for reply in one["replies"] if not reply["error"]]
        assert answered == ([f"answer {number}"] if one["message"]["state"] == "done" else [])
        assert times_asked(rig, f" number {number}. ") <= 1
    assert rig.ask("a", "still there?") == "You wrote: still there?"


# questions


QUESTION = {
    "tool": "AskUserQuestion",
    "input": {
        "questions": [
            {
                "question": "Which colour shall it be?",
                "header": "Colour",
                "multiSelect": False,
                "options": [
                    {"label": "Red", "description": "like fire"},
                    {"label": "Blue", "description": "like water"},
                ],
            }
        ]
    },
}


def picked(rig: Rig) -> bool:
    """Press Enter while the question is there: a key that comes right after it was drawn may be ignored."""
    if "Enter to select" in rig.screen("a"):
        keys(rig, "Enter")
        return False
    return True


def test_a_question_waits_for_a_person(rig: Rig) -> None:
    rig.configured("a", "claude.permission_mode=manual", "claude.allow=[]")
    rig.run("send", "a", steps(QUESTION, {"text": "red it is"}))
    one = rig.wait_state("a", "waiting")
    assert one["reason"] == "question"
    sees(rig, "Enter to select")
    rig.run("send", "a", "from a channel")
    became(rig, "waiting", "question", "question")
    until(lambda: picked(rig), "the first answer is picked")
    assert all_ended(rig) == ["done", "done"]
    assert [one["replies"][0]["text"] for one in rig.history("a")] == ["red it is", "You wrote: from a channel"]


def test_a_plan_waits_for_a_person(rig: Rig) -> None:
    rig.configured("a", "claude.permission_mode=plan", "claude.allow=[]")
    rig.run(
        "send", "a", steps({"tool": "ExitPlanMode", "input": {"plan": "first this, then that"}}, {"text": "planned"})
    )
    one = rig.wait_state("a", "waiting")
    assert one["reason"] == "permission"
    sees(rig, "Claude wants to exit plan mode")
    rig.run("send", "a", "from a channel")
    became(rig, "waiting", "permission", "permission")
    assert [one["attempt"] for one in messages(rig)] == [1, 0]
    keys(rig, "Escape")
    assert all_ended(rig) == ["rejected", "done"]


def test_a_dialog_at_the_start_waits_for_a_person(rig: Rig) -> None:
    rig.new("a", "--no-start")
    rig.run("config", "set", "a", "restart.ready_within", "2")
    settings = rig.project("a") / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"permissions": {"allow": "nonsense"}}')
    process = rig.popen("start", "a")
    try:
        one = rig.wait_state("a", "waiting")
        assert one["reason"] == "startup-dialog"
        rig.run("send", "a", "from a channel")
        became(rig, "waiting", "startup-dialog", "startup-dialog")
        before = rig.screen("a")
        assert "Settings" in before
        assert messages(rig)[0]["attempt"] == 0
        keys(rig, "Enter")
    finally:
        process.communicate(timeout=120)
    assert all_ended(rig) == ["done"]
    assert rig.status("a")["state"] == "idle"


# why


def evidence(rig: Rig) -> dict[str, dict[str, Any]]:
    (one,) = rig.json("status", "a", "--explain")["instances"]
    return {source["source"]: source for source in one["evidence"]}


def won(rig: Rig) -> list[str]:
    return [name for name, source in evidence(rig).items() if source["won"]]


SOURCES = ["daemon", "pane", "registry", "hook", "transcript", "title", "keys", "screen"]


def test_every_source_is_explained_and_the_one_that_counted_is_marked(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "warm")
    until(lambda: evidence(rig)["registry"]["says"] == "idle", "the turn is over")
    told = evidence(rig)
    assert list(told) == SOURCES
    assert won(rig) == ["registry"]
    assert told["hook"]["value"] == "Stop"
    assert told["transcript"]["value"] == "answer"
    assert told["title"]["says"] == "idle"
    sent = rig.standin.requests()[-1].ts
    for source in ("registry", "hook", "transcript"):
        assert abs(told[source]["at"] - sent) < 60
    begins(rig, steps({"text_size": 5000, "chunk": 20, "chunk_delay": 0.2}))
    told = evidence(rig)
    assert won(rig) == ["registry"]
    assert (told["registry"]["says"], told["hook"]["says"], told["title"]["says"]) == ("busy", "busy", "busy")
    sees(rig, "● line 0")
    keys(rig, "Escape")
    assert all_ended(rig) == ["done", "rejected"]
    assert evidence(rig)["transcript"]["value"] == "interrupted"
    assert evidence(rig)["hook"]["says"] == ""
    keys(rig, "-l", "half a thought")
    sees(rig, "half a thought")
    rig.run("send", "a", "later")
    became(rig, "typing", "draft", "draft")
    assert won(rig) == ["screen"]
    assert evidence(rig)["screen"]["value"] == "a draft of 14 characters"


def test_a_person_reads_the_reasons_as_a_table(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "warm")
    rig.wait_state("a", "idle")
    lines = rig.run("status", "a", "--explain").splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("  why ")]
    table = [line.removeprefix("    ").removeprefix("->").split() for line in lines[at + 1 :]]
    assert [row[0] for row in table] == SOURCES
    (marked,) = [line for line in lines if "->" in line]
    assert marked.split()[:3] == ["->", "registry", "idle"]
    assert marked.split()[3][-1] in "sm"  # its age
    assert "why" not in rig.run("status", "a")


# watch


class Watcher:
    """A client of the control socket that was told to watch."""

    def __init__(self, rig: Rig) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(rig.paths("a").control_socket))
        self.file = self.socket.makefile("rw")
        self.file.write('{"op":"watch"}\n')
        self.file.flush()

    def next(self) -> dict[str, Any]:
        told = dict(json.loads(self.file.readline()))
        self.latest = told["instance"]
        return told

    def change(self) -> tuple[str, str]:
        """The next state and reason. In between nothing is told but what a turn does."""
        while True:
            before = self.latest
            self.next()
            here, there = (tuple(one[key] for key in ("state", "reason")) for one in (before, self.latest))
            if here != there:
                return there
            assert self.latest["activity"] != before["activity"]

    def until(self, state: str) -> list[str]:
        """The states that are told, up to that one."""
        told = [self.change()[0]]
        while told[-1] != state:
            told.append(self.change()[0])
        return told

    def leave(self) -> None:
        self.file.close()
        self.socket.close()


def test_who_watches_is_told_every_change_of_the_state(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "warm")
    rig.wait_state("a", "idle")
    watcher, other = Watcher(rig), Watcher(rig)
    first = watcher.next()
    assert (first["v"], first["watching"], first["instance"]["state"]) == (1, True, "idle")
    assert first["instance"].keys() == rig.status("a").keys()
    rig.run("send", "a", steps({"text": "late", "delay": 1}))
    assert watcher.until("busy") == ["busy"]
    assert watcher.until("idle") == ["idle"]
    keys(rig, "C-r")  # no change of state or reason: nothing is told of it
    sees(rig, "search prompts:")
    keys(rig, "Escape")
    typed(rig, "/config")
    assert watcher.change() == ("waiting", "dialog")
    assert other.next()["instance"]["state"] == "idle"
    assert [other.change()[0] for _ in range(3)] == ["busy", "idle", "waiting"]
    watcher.leave()
    other.leave()


def test_who_leaves_while_watching_disturbs_nobody(rig: Rig) -> None:
    daemon = rig.new("a")["daemon"]["pid"]
    for number in range(5):
        watcher = Watcher(rig)
        watcher.next()
        rig.run("send", "a", f"message {number}")
        if number % 2:
            watcher.next()
        watcher.leave()
    assert all_ended(rig) == ["done"] * 5
    assert rig.status("a")["daemon"]["pid"] == daemon
    log = rig.paths("a").daemon_log.read_text()
    assert "ERROR" not in log
    assert "Traceback" not in log + (rig.paths("a").logs / "daemon.err").read_text()
