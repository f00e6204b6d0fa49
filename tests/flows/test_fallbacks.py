"""Where Claude keeps no registry, runs no hooks, or neither: less is known, and nothing is lost, doubled or approved."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Rig, kill, until

pytestmark = pytest.mark.real

PROCEED = "Do you want to proceed?"


def made(rig: Rig, *lacks: str) -> dict[str, Any]:
    """A started instance that asks a person before every tool, whose Claude lacks `registry`, `hooks` or both."""
    rig.new("a", "--no-start")
    rig.run("config", "set", "a", "claude.permission_mode", "manual")
    rig.run("config", "set", "a", "claude.allow", "[]")
    claude = rig.paths("a").claude
    if "registry" in lacks:
        (claude / "sessions").write_text("a file, where Claude wants a directory")
    if "hooks" in lacks:
        (claude / "settings.json").write_text('{"disableAllHooks": true}')
    rig.run("start", "a")
    return rig.wait_state("a", "idle")


def evidence(rig: Rig) -> dict[str, dict[str, Any]]:
    (one,) = rig.json("status", "a", "--explain")["instances"]
    return {source["source"]: source for source in one["evidence"]}


def won(rig: Rig) -> list[str]:
    return [name for name, source in evidence(rig).items() if source["won"]]


def keys(rig: Rig, *words: str) -> None:
    rig.tmux("a", "send-keys", "-t", "=ccmux-a:", *words)


def typed(rig: Rig, text: str) -> None:
    keys(rig, "-l", text)
    until(lambda: f"❯ {text}" in rig.screen("a").replace("\u00a0", " "), f"{text} is drawn")
    keys(rig, "Enter")


def steps(*given: dict[str, Any]) -> str:
    return f"<<standin {json.dumps(given)}>>"


def messages(rig: Rig) -> list[dict[str, Any]]:
    return [one["message"] for one in rig.history("a")]


def states(rig: Rig) -> list[str]:
    return [str(one["state"]) for one in messages(rig)]


def all_ended(rig: Rig) -> list[str]:
    until(lambda: set(states(rig)) <= {"done", "rejected", "dead"}, "every message has ended")
    return states(rig)


def replies(rig: Rig) -> list[str]:
    return [reply["text"] for one in rig.history("a") for reply in one["replies"] if not reply["error"]]


def typed_once(rig: Rig, *texts: str) -> None:
    """The API saw one prompt of each text, and no message was tried twice."""
    for text in texts:
        assert len({prompt for prompt in rig.prompts() if text in prompt}) == 1, text
    assert [one["attempt"] for one in messages(rig)] == [1] * len(messages(rig))


LACKING = pytest.mark.parametrize(
    "lacks",
    [
        pytest.param(("registry",), id="no-registry"),
        pytest.param(("hooks",), id="no-hooks"),
        pytest.param(("registry", "hooks"), id="neither"),
    ],
)


@LACKING
def test_it_lacks_what_it_should(rig: Rig, lacks: tuple[str, ...]) -> None:
    """That the tests below test what they say."""
    made(rig, *lacks)
    rig.ask("a", "warm")
    told = evidence(rig)
    assert (told["registry"]["value"] == "there is none; the fall-backs count") == ("registry" in lacks)
    assert (told["hook"]["value"] == "none since the daemon began") == ("hooks" in lacks)
    assert won(rig) == (["screen"] if "registry" in lacks else ["registry"])


@LACKING
def test_messages_are_answered_in_order_and_once(rig: Rig, lacks: tuple[str, ...]) -> None:
    made(rig, *lacks)
    texts = [f"message number {number}" for number in range(6)]
    for text in texts:
        rig.run("send", "a", text)
    assert all_ended(rig) == ["done"] * 6
    assert replies(rig) == [f"You wrote: {text}" for text in texts]
    typed_once(rig, *texts)
    assert [text.partition("] ")[2].partition(" [end-")[0] for text in rig.prompts()] == texts


@LACKING
def test_work_is_seen_and_what_comes_meanwhile_waits(rig: Rig, lacks: tuple[str, ...]) -> None:
    made(rig, *lacks)
    rig.run("send", "a", steps({"text": "late", "delay": 6}) + " the long one")
    rig.wait_state("a", "busy")
    assert won(rig)[0] in (["title", "hook"] if "registry" in lacks else ["registry"])
    rig.run("send", "a", "the second")
    assert rig.status("a")["blocked"] == "busy"
    assert messages(rig)[1]["attempt"] == 0
    assert all_ended(rig) == ["done", "done"]
    assert replies(rig) == ["late", "You wrote: the second"]
    typed_once(rig, "the long one", "the second")


@LACKING
def test_a_dialog_is_seen_and_never_answered(rig: Rig, lacks: tuple[str, ...]) -> None:
    made(rig, *lacks)
    reason = "dialog" if "registry" in lacks else "permission"
    rig.run("send", "a", steps({"tool": "Bash", "input": {"command": f"touch {rig.home}/approved"}}))
    assert rig.wait_state("a", "waiting")["reason"] == reason
    until(lambda: PROCEED in rig.screen("a"), "the dialog is drawn")
    before = rig.screen("a")
    for number in range(5):
        rig.run("send", "a", f"yes please 1 {number}")
    until(lambda: rig.status("a")["blocked"] == reason, "it says why they wait")
    assert [one["attempt"] for one in messages(rig)] == [1, 0, 0, 0, 0, 0]
    assert rig.screen("a") == before
    keys(rig, "Escape")
    assert all_ended(rig) == ["rejected"] + ["done"] * 5
    assert replies(rig) == [f"You wrote: yes please 1 {number}" for number in range(5)]
    assert not (rig.home / "approved").exists()


@LACKING
def test_esc_before_any_output_ends_the_turn(rig: Rig, lacks: tuple[str, ...]) -> None:
    made(rig, *lacks)
    rig.run("send", "a", steps({"text": "never", "delay": 120}))
    until(lambda: states(rig) == ["committed"], "the turn runs")
    rig.wait_state("a", "busy")
    rig.run("send", "a", "the second")
    keys(rig, "Escape")
    assert all_ended(rig) == ["rejected", "done"]
    assert replies(rig) == ["You wrote: the second"]
    typed_once(rig, "the second")


@LACKING
def test_esc_within_the_answer_ends_the_turn(rig: Rig, lacks: tuple[str, ...]) -> None:
    made(rig, *lacks)
    rig.run("send", "a", steps({"text_size": 5000, "chunk": 20, "chunk_delay": 0.2}))
    until(lambda: "● line 0" in rig.screen("a"), "something of the answer is drawn")
    rig.run("send", "a", "the second")
    keys(rig, "Escape")
    assert all_ended(rig) == ["rejected", "done"]
    assert "interrupted" in messages(rig)[0]["reason"]
    assert replies(rig) == ["You wrote: the second"]
    typed_once(rig, "the second")


@LACKING
def test_messages_after_clear_are_answered_once(rig: Rig, lacks: tuple[str, ...]) -> None:
    before = made(rig, *lacks)["session_id"]
    rig.ask("a", "the first")
    typed(rig, "/clear")
    until(lambda: "the first" not in rig.screen("a"), "the screen is cleared")
    rig.run("send", "a", "the second")
    rig.run("send", "a", "the third")
    assert all_ended(rig) == ["done"] * 3
    assert replies(rig) == [f"You wrote: the {which}" for which in ("first", "second", "third")]
    typed_once(rig, "the first", "the second", "the third")
    assert rig.status("a")["session_id"] != before


@LACKING
def test_a_daemon_that_is_killed_within_a_turn_is_followed_by_one_that_answers(
    rig: Rig, lacks: tuple[str, ...]
) -> None:
    before = made(rig, *lacks)
    rig.run("send", "a", steps({"text": "the answer", "delay": 3}) + " the long one")
    until(lambda: states(rig) == ["committed"], "the turn runs")
    rig.run("send", "a", "the second")
    rig.kill_daemon("a")
    rig.run("start", "a")
    assert all_ended(rig) == ["done", "done"]
    assert replies(rig) == ["the answer", "You wrote: the second"]
    typed_once(rig, "the long one", "the second")
    assert rig.status("a")["claude"]["pid"] == before["claude"]["pid"]


@LACKING
def test_a_daemon_that_is_killed_while_it_types_is_followed_by_one_that_knows(rig: Rig, lacks: tuple[str, ...]) -> None:
    made(rig, *lacks)
    rig.run("send", "a", steps({"text": "the answer", "delay": 1}) + " the long one")
    until(lambda: states(rig) != ["received"], "it is typed")
    rig.kill_daemon("a")
    rig.run("start", "a")
    assert all_ended(rig) == ["done"]
    assert replies(rig) == ["the answer"]
    assert len({prompt for prompt in rig.prompts() if "the long one" in prompt}) == 1


@LACKING
def test_a_claude_that_dies_comes_back_with_its_conversation(rig: Rig, lacks: tuple[str, ...]) -> None:
    before = made(rig, *lacks)
    rig.ask("a", "remember 4711")

    def transcripts() -> list[Path]:
        return list(rig.paths("a").claude.glob("projects/*/*.jsonl"))

    until(lambda: any(b"4711" in file.read_bytes() for file in transcripts()), "Claude wrote it down")
    kill(before["claude"]["pid"], signal.SIGKILL)
    until(lambda: rig.status("a")["claude"]["pid"] not in (0, before["claude"]["pid"]), "a new Claude")
    assert rig.ask("a", "which?") == "You wrote: which?"
    assert rig.status("a")["session_id"] == before["session_id"]
    newest = [request.body for request in rig.standin.requests() if request.main][-1]
    assert "4711" in json.dumps(newest["messages"])
    typed_once(rig, "remember 4711", "which?")
