"""What a person orders of an instance, by a verb or as a line of a channel; and who hears that he is needed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.rig import Rig, until

pytestmark = pytest.mark.real


def say(rig: Rig, line: str, channel: str = "local") -> None:
    with (rig.paths("a").run / f"in.{channel}").open("w") as fifo:
        fifo.write(f"{line}\n")


def told(rig: Rig, about: str) -> str:
    """The latest line about that order."""

    def found() -> list[str]:
        replies = [reply for one in rig.history("a") for reply in one["replies"]]
        return [str(reply["text"]) for reply in replies if reply["about"] == about]

    return until(found, f"{about} is answered")[-1]


def state_of(rig: Rig, message: str) -> str:
    return str(next(one["message"]["state"] for one in rig.history("a") if one["message"]["id"] == message))


def session_id(rig: Rig) -> str:
    return str(rig.status("a")["session_id"])


def test_while_paused_nothing_is_typed_everything_is_kept_and_it_outlives_the_daemon(rig: Rig) -> None:
    rig.new("a")
    rig.run("pause", "a")
    rig.run("pause", "a")
    rig.wait_state("a", "paused")
    message = rig.run("send", "a", "held back").strip()
    until(lambda: rig.status("a")["blocked"] == "paused", "it waits for that reason")
    rig.kill_daemon("a")
    rig.run("start", "a")
    until(lambda: rig.status("a")["blocked"] == "paused", "it still does")
    assert "held back" not in rig.screen("a")
    assert rig.prompts() == []
    assert "goes on" in rig.run("resume", "--all")
    until(lambda: state_of(rig, message) == "done", "it is answered")
    audit = rig.run("approvals", "--audit")
    assert "paused by" in audit
    assert "resumed by" in audit


def test_a_running_turn_is_interrupted_and_its_sender_told(rig: Rig) -> None:
    rig.new("a")
    rig.run("interrupt", "a", code=4)
    message = rig.run("send", "a", '<<standin {"text": "late", "delay": 600}>>').strip()
    rig.wait_state("a", "busy")
    rig.run("interrupt", "a")
    until(lambda: state_of(rig, message) == "rejected", "it has ended")
    rig.wait_state("a", "idle")
    assert rig.ask("a", "again") != ""


def test_clear_begins_a_fresh_conversation_and_compact_keeps_it(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "remember me")
    before = session_id(rig)
    rig.run("compact", "a")
    until(lambda: rig.status("a")["state"] == "idle", "it is compacted")
    assert session_id(rig) == before
    rig.run("clear", "a")
    until(lambda: session_id(rig) != before, "the conversation is another one")
    assert "remember me" not in rig.ask("a", "who am I?")
    assert "remember me" not in json.dumps(rig.standin.requests()[-1].body["messages"])


def test_a_clear_waits_for_the_running_turn_and_gives_up_in_time(rig: Rig) -> None:
    rig.new("a")
    rig.run("send", "a", '<<standin {"text": "late", "delay": 600}>>')
    rig.wait_state("a", "busy")
    rig.run("clear", "a", code=4)
    assert "/clear" not in rig.screen("a")


def test_a_draft_is_not_typed_over_by_an_order(rig: Rig) -> None:
    rig.new("a")
    rig.tmux("a", "send-keys", "-t", "=ccmux-a:", "-l", "my half thought")
    until(lambda: "my half thought" in rig.screen("a"), "it stands there")
    rig.run("clear", "a", code=4)
    assert "❯\u00a0my half thought" in rig.screen("a")


def test_orders_of_a_channel_are_carried_out_once_and_answered(rig: Rig) -> None:
    rig.configured("a", "claude.allow=[]")
    say(rig, "/status")
    assert told(rig, "status").startswith("idle; 0 waiting")
    say(rig, "/pause")
    rig.wait_state("a", "paused")
    say(rig, "/resume")
    rig.wait_state("a", "idle")
    made = rig.home / "made"
    steps = [{"tool": "Bash", "input": {"command": f"touch {made}"}}, {"text": "after"}]
    say(rig, f"<<standin {json.dumps(steps)}>>")
    until(lambda: rig.json("approvals", "--json")["approvals"], "it is asked")
    code = rig.json("approvals", "--json")["approvals"][0]["code"]
    say(rig, "/approve zzzz")
    assert "there is no approval" in told(rig, "approve")
    say(rig, f"/approve {code}")
    until(made.exists, "it was allowed")
    until(lambda: all(one["message"]["state"] == "done" for one in rig.history("a")), "that turn is over")
    rig.wait_state("a", "idle")
    say(rig, '<<standin {"text": "late", "delay": 600}>>')
    rig.wait_state("a", "busy")
    say(rig, "/stop")
    assert told(rig, "stop") == "the turn is stopped"
    before = session_id(rig)
    rig.wait_state("a", "idle")
    say(rig, "/new")
    until(lambda: session_id(rig) != before, "the conversation is another one")


@pytest.mark.parametrize("line", ["/clears", "/clear now", "/help", "/approve", " x /clear", "/model opus"])
def test_whatever_else_begins_with_a_slash_is_a_message(rig: Rig, line: str) -> None:
    rig.new("a")
    say(rig, line)
    until(lambda: [prompt for prompt in rig.prompts() if line.strip() in prompt], "Claude is told, as text")


def test_a_peer_may_order_only_for_operators(rig: Rig) -> None:
    rig.configured("a", 'approvals.operators=["team:anna"]')
    os.mkfifo(rig.paths("a").run / "in.team", 0o600)
    until((rig.paths("a").run / "out.team").exists, "the channel is found")

    def frame(name: str, sender: str) -> str:
        return json.dumps({"v": 1, "id": name, "part": 1, "parts": 1, "text": "/pause", "sender": sender})

    say(rig, frame("one", "eve"), "team")
    until(lambda: [prompt for prompt in rig.prompts() if "/pause" in prompt], "it is a message of eve's")
    assert rig.status("a")["state"] != "paused"
    say(rig, "/pause", "team")
    say(rig, json.dumps({"content": "/pause", "from": "anna"}))
    until(lambda: len([prompt for prompt in rig.prompts() if "/pause" in prompt]) == 3, "they are messages, too")
    assert rig.status("a")["state"] != "paused"
    say(rig, frame("two", "anna"), "team")
    rig.wait_state("a", "paused")
    rig.run("resume", "a")
    rig.wait_state("a", "idle")
    say(rig, frame("two", "anna"), "team")
    say(rig, "/status")
    assert told(rig, "status").startswith("idle")


def test_whoever_is_needed_hears_of_it_once(rig: Rig) -> None:
    heard = rig.home / "heard"
    rig.configured("a", "claude.allow=[]", f'notify.command=cat >>{heard}; echo "$CCMUX_INSTANCE|$CCMUX_WHY" >>{heard}')
    person = pexpect.spawn("tmux", ["-S", str(rig.paths("a").tmux_socket), "attach"], env=rig.env, dimensions=(45, 160))
    person.expect("detach: prefix")
    steps: list[dict[str, Any]] = [{"tool": "Bash", "input": {"command": "touch x"}}, {"text": "after"}]
    rig.run("send", "a", f"<<standin {json.dumps(steps)}>>")
    until(lambda: rig.json("approvals", "--json")["approvals"], "it is asked")
    code = rig.json("approvals", "--json")["approvals"][0]["code"]
    person.expect("\a", timeout=60)
    until(lambda: heard.exists() and "|" in heard.read_text(), "the command was run")
    rig.run("deny", code)
    rig.wait_state("a", "idle", "typing")
    person.close(force=True)
    assert heard.read_text() == f"a: approval {code}\na|approval {code}\n"


def test_a_notify_command_that_fails_or_is_not_there_harms_nothing(rig: Rig) -> None:
    rig.configured("a", "claude.allow=[]", "notify.command=/nonexistent/x")
    rig.run(
        "send", "a", f"<<standin {json.dumps([{'tool': 'Bash', 'input': {'command': 'touch x'}}, {'text': 'after'}])}>>"
    )
    until(lambda: rig.json("approvals", "--json")["approvals"], "it is asked")
    until(lambda: "notify.command ended with" in Path(rig.paths("a").daemon_log).read_text(), "it is written down")
    rig.run("deny", rig.json("approvals", "--json")["approvals"][0]["code"])
    rig.wait_state("a", "idle")
