"""Questions of the real Claude, answered from outside: nothing is drawn, the first answer counts, failures deny."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Rig, kill, until

pytestmark = pytest.mark.real

WITHIN = 60.0


def bash(command: str) -> list[dict[str, Any]]:
    return [{"tool": "Bash", "input": {"command": command, "description": "d"}}, {"text": "after"}]


QUESTION = {
    "questions": [
        {
            "question": "Which colour?",
            "header": "Colour",
            "options": [{"label": "Red", "description": "r"}, {"label": "Blue", "description": "b"}],
            "multiSelect": False,
        }
    ]
}


@pytest.fixture
def asked(rig: Rig) -> Rig:
    rig.configured("a", 'claude.allow=["Read","Bash(git status:*)"]', 'claude.deny=["Bash(rm:*)"]')
    return rig


def send(rig: Rig, steps: list[dict[str, Any]]) -> str:
    return rig.run("send", "a", f"<<standin {json.dumps(steps)}>>").strip()


def waiting(rig: Rig) -> dict[str, Any]:
    """The one thing that is asked."""
    until(lambda: rig.json("approvals", "--json")["approvals"], "it is asked")
    (one,) = rig.json("approvals", "--json")["approvals"]
    return dict(one)


def ended(rig: Rig, message: str) -> dict[str, Any]:
    def over() -> dict[str, Any]:
        one = next(one for one in rig.history("a") if one["message"]["id"] == message)
        return dict(one) if one["message"]["state"] in ("done", "rejected", "dead") else {}

    return until(over, "the message has ended")


def told_claude(rig: Rig) -> str:
    """What the tool gave, as the model was told it."""
    return json.dumps(rig.standin.requests()[-1].body["messages"][-1]["content"])


def test_a_command_is_asked_in_full_and_runs_when_allowed(asked: Rig) -> None:
    made = asked.home / "made"
    message = send(asked, bash(f"touch {made}; echo $((1+1))"))
    one = waiting(asked)
    assert (one["kind"], one["tool"], one["state"]) == ("tool", "Bash", "open")
    assert one["input"]["command"] == f"touch {made}; echo $((1+1))"
    assert one["cause"] | {"sender": ""} == {"message_id": message, "channel": "local", "sender": ""}
    status = asked.wait_state("a", "waiting")
    assert status["reason"] == "approval"
    assert "Do you want" not in asked.screen("a")
    assert f"touch {made}; echo $((1+1))" in asked.run("approvals")
    assert not made.exists()
    asked.run("approve", one["code"])
    done = ended(asked, message)
    assert made.exists()
    assert [reply["text"] for reply in done["replies"] if not reply["about"]] == ["after"]
    abouts = [reply["about"] for reply in done["replies"] if reply["about"]]
    assert abouts == [f"approval {one['code']}"] * 2
    assert asked.run("approvals") == "nothing waits for an answer\n"
    assert "allowed by" in asked.run("approvals", "--audit")


def test_a_denial_is_told_to_claude_with_its_reason_and_the_first_answer_counts(asked: Rig) -> None:
    made = asked.home / "made"
    message = send(asked, bash(f"touch {made}"))
    one = waiting(asked)
    assert "Bash" in asked.run("deny", one["id"], "--reason", "use make instead")
    asked.run("approve", one["code"], code=4)
    asked.run("deny", one["code"], code=4)
    ended(asked, message)
    assert "use make instead" in told_claude(asked)
    assert not made.exists()
    asked.run("approve", "zzzz", code=2)


def test_what_is_allowed_or_denied_by_rule_is_not_asked(asked: Rig) -> None:
    for command, seen in (("git status", "not a git repository"), ("rm -f x", "denied")):
        ended(asked, send(asked, bash(command)))
        assert seen in told_claude(asked)
    assert asked.json("approvals", "--all", "--json")["approvals"] == []


def test_for_this_session_means_that_very_command(asked: Rig) -> None:
    command = f"touch {asked.home / 'made'}"
    first = send(asked, bash(command))
    asked.run("approve", waiting(asked)["code"], "--session")
    ended(asked, first)
    ended(asked, send(asked, bash(command)))
    assert len(asked.json("approvals", "--all", "--json")["approvals"]) == 1
    other = send(asked, bash(f"{command}2"))
    asked.run("deny", waiting(asked)["code"])
    ended(asked, other)


@pytest.mark.parametrize(("answer", "expected"), [("2", "Blue"), ("a dark green", "a dark green")])
def test_a_question_is_answered(asked: Rig, answer: str, expected: str) -> None:
    message = send(asked, [{"tool": "AskUserQuestion", "input": QUESTION}, {"text": "after"}])
    one = waiting(asked)
    assert (one["kind"], one["options"]) == ("question", [["Red", "Blue"]])
    assert "2. Blue" in asked.run("approvals")
    asked.run("approve", one["code"], code=2)
    asked.run("approve", one["code"], "--answer", "1", "--answer", "2", code=2)
    asked.run("approve", one["code"], "--answer", answer)
    ended(asked, message)
    assert expected in told_claude(asked)


@pytest.mark.parametrize("how", ["approve", "deny"])
def test_a_plan_is_answered(asked: Rig, how: str) -> None:
    ended(asked, send(asked, [{"tool": "EnterPlanMode", "input": {}}, {"text": "planning"}]))
    message = send(asked, [{"tool": "ExitPlanMode", "input": {"plan": "# first this"}}, {"text": "after"}])
    one = waiting(asked)
    assert one["kind"] == "plan"
    asked.run(how, one["code"])
    ended(asked, message)
    assert ("Exited Plan Mode" in told_claude(asked)) is (how == "approve")


def test_esc_at_the_terminal_withdraws_what_is_asked(asked: Rig) -> None:
    message = send(asked, bash("touch x"))
    one = waiting(asked)
    asked.tmux("a", "send-keys", "-t", "=ccmux-a:", "Escape")
    assert ended(asked, message)["message"]["state"] == "rejected"
    until(lambda: asked.run("approvals") == "nothing waits for an answer\n", "it is withdrawn")
    asked.run("approve", one["code"], code=4)


def test_what_nobody_answers_is_denied(rig: Rig) -> None:
    rig.configured("a", "claude.allow=[]", "approvals.timeout=1")
    message = send(rig, bash(f"touch {rig.home / 'made'}"))
    ended(rig, message)
    assert "nobody answered in time" in told_claude(rig)
    assert not (rig.home / "made").exists()
    (one,) = rig.json("approvals", "--all", "--json")["approvals"]
    assert one["state"] == "expired"


def test_the_question_outlives_the_daemon(asked: Rig) -> None:
    made = asked.home / "made"
    message = send(asked, bash(f"touch {made}"))
    one = waiting(asked)
    asked.kill_daemon("a")
    asked.run("start", "a")
    until(lambda: asked.status("a")["reason"] == "approval", "the hook has come back")
    asked.run("approve", one["code"])
    ended(asked, message)
    assert made.exists()
    assert len(asked.json("approvals", "--all", "--json")["approvals"]) == 1


def test_a_question_ends_with_the_claude_that_asked_it(asked: Rig) -> None:
    message = send(asked, bash(f"touch {asked.home / 'made'}"))
    first = waiting(asked)
    kill(asked.status("a")["claude"]["pid"], signal.SIGKILL)

    def another() -> dict[str, Any]:
        still = asked.json("approvals", "--json")["approvals"]
        return dict(still[0]) if len(still) == 1 and still[0]["id"] != first["id"] else {}

    again = until(another, "the resumed turn asks, and nobody else does")
    asked.run("approve", first["id"], code=4)
    asked.run("approve", again["code"])
    ended(asked, message)
    assert (asked.home / "made").exists()


def test_without_a_daemon_a_tool_of_a_message_is_denied_within_its_bound(asked: Rig) -> None:
    made = asked.home / "made"
    send(asked, [{"text": "", "delay": 3, "tool": "Bash", "input": {"command": f"touch {made}"}}, {"text": "after"}])
    asked.wait_state("a", "busy")
    asked.kill_daemon("a")
    began = time.monotonic()
    asked.standin.wait_for(lambda r: r.main and "does not answer" in json.dumps(r.body["messages"][-1]), timeout=WITHIN)
    assert time.monotonic() - began < WITHIN
    assert not made.exists()
    asked.run("start", "a")


def test_a_turn_of_the_terminal_keeps_claudes_own_dialog(asked: Rig) -> None:
    words = f"<<standin {json.dumps(bash('touch x'))}>>"
    asked.tmux("a", "send-keys", "-t", "=ccmux-a:", "-l", words)
    until(lambda: "touch x" in asked.screen("a"), "it is typed")
    asked.tmux("a", "send-keys", "-t", "=ccmux-a:", "Enter")
    assert asked.wait_state("a", "waiting")["reason"] == "permission"
    assert asked.json("approvals", "--all", "--json")["approvals"] == []
    asked.tmux("a", "send-keys", "-t", "=ccmux-a:", "Escape")
    asked.wait_state("a", "idle", "typing")
    (turn,) = asked.json("history", "a", "--turns", "--json")["turns"]
    assert turn["cause"] == "terminal"


def test_the_hook_fails_closed_whatever_fails(asked: Rig) -> None:
    """Its own program, run as Claude runs it."""
    settings = json.loads((asked.paths("a").data / "settings.json").read_text())
    for event in ("PreToolUse", "PermissionRequest"):
        ((hook,),) = [[one for entry in settings["hooks"][event] for one in entry["hooks"]]]
        for broken in (b"", b"nonsense", b"[]", b'{"tool_name":1}'):
            run = subprocess.run(
                ["/bin/sh", "-c", hook["command"]], input=broken, capture_output=True, check=False, timeout=WITHIN
            )
            said = run.stdout.decode()
            assert run.returncode == 2 or '"deny"' in said, (event, broken, run)
    command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until(lambda: _child(process.pid), "the hook runs")
    os.kill(_child(process.pid), signal.SIGKILL)
    process.communicate(timeout=WITHIN)
    assert process.returncode == 2


def _child(pid: int) -> int:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(words[0]) if words else 0
