"""No message answers a dialog, not even one that opens between the last look and Enter."""

from __future__ import annotations

import fcntl
import json
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ccmux.hooks import entry, gate
from tests.rig import Rig, until

real = pytest.mark.real

PASS = [sys.executable, "-I", "-S", entry.__file__, "--gate"]
PROCEED = "Do you want to proceed?"
ROUNDS = 50
SEED = 20250731


# the gate


@pytest.fixture
def at(tmp_path: Path) -> Path:
    path = tmp_path / "gate"
    gate.make(path)
    return path


def tool(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PASS, str(path)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> None:
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")


def test_a_tool_passes_an_open_gate_and_leaves_the_time(at: Path) -> None:
    with gate.closed(at) as passed_at:
        assert passed_at == 0.0
    before = time.time()
    ended(tool(at))
    with gate.closed(at) as passed_at:
        assert passed_at is not None
        assert before - 0.1 <= passed_at <= time.time() + 0.1


def test_a_tool_waits_while_the_gate_is_held_and_passes_then(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its patience is made long, so that a slow machine changes nothing."""
    tries: list[int] = []
    flock = fcntl.flock

    def counted(fd: int, how: int) -> None:
        tries.append(how)
        flock(fd, how)

    monkeypatch.setattr(entry, "PASSES_WITHIN", 60.0)
    hook = threading.Thread(target=entry.pass_gate, args=(str(at),))
    with gate.closed(at) as passed_at:
        assert passed_at == 0.0
        monkeypatch.setattr(fcntl, "flock", counted)
        hook.start()
        until(lambda: len(tries) > 3, "it stands before the gate")
        assert hook.is_alive()
        assert at.stat().st_mtime == 0.0
    hook.join()
    assert at.stat().st_mtime > 0.0


def test_many_tools_at_once_all_pass(at: Path) -> None:
    with gate.closed(at):
        hooks = [tool(at) for _ in range(10)]
    for hook in hooks:
        ended(hook)


def test_where_no_gate_is_a_tool_passes_and_makes_none(tmp_path: Path) -> None:
    ended(tool(tmp_path / "gate"))
    assert list(tmp_path.iterdir()) == []


def test_a_tool_is_not_stopped_by_a_gate_that_is_none(tmp_path: Path) -> None:
    for name in ("link", "directory"):
        path = tmp_path / name
        if name == "link":
            path.symlink_to(tmp_path / "elsewhere")
        else:
            path.mkdir()
        done = subprocess.run([*PASS, str(path)], check=False, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, b"")
    assert not (tmp_path / "elsewhere").exists()


def test_a_tool_gives_up_at_a_gate_that_hangs(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "PASSES_WITHIN", 0.2)
    with gate.closed(at):
        entry.pass_gate(str(at))
        assert at.stat().st_mtime > 0.0


def test_a_killed_daemon_leaves_the_gate_open(at: Path) -> None:
    code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(at)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"held\n"
        with gate.closed(at) as passed_at:
            assert passed_at is None
        daemon.kill()
        daemon.wait()
    with gate.closed(at) as passed_at:
        assert passed_at == 0.0


def test_a_gate_that_a_tool_passes_at_this_moment_is_not_held(at: Path) -> None:
    with at.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with gate.closed(at) as passed_at:
            assert passed_at is None
        fcntl.flock(other, fcntl.LOCK_UN)
        with gate.closed(at) as passed_at:
            assert passed_at is not None


def test_the_gate_is_private_and_no_link_is_followed(tmp_path: Path) -> None:
    gate.make(tmp_path / "gate")
    assert (tmp_path / "gate").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        gate.make(tmp_path / "link")
    with pytest.raises(OSError, match="symbolic link"), gate.closed(tmp_path / "link"):
        pass
    assert not (tmp_path / "elsewhere").exists()


# dialogs that open while a message is typed


def keys(rig: Rig, *words: str) -> None:
    rig.tmux("a", "send-keys", "-t", "=ccmux-a:", *words)


def sees(rig: Rig, text: str) -> None:
    until(lambda: text in rig.screen("a"), f"{text!r} is on the screen")


def steps(*given: dict[str, Any]) -> str:
    return f"<<standin {json.dumps(given)}>>"


def messages(rig: Rig) -> list[dict[str, Any]]:
    return [one["message"] for one in rig.history("a")]


def all_ended(rig: Rig) -> list[str]:
    def told() -> list[str]:
        return [str(one["state"]) for one in messages(rig)]

    until(lambda: set(told()) <= {"done", "rejected", "dead"}, "every message has ended")
    return told()


def careful(rig: Rig, *more: str) -> None:
    """An instance that asks a person before every tool."""
    rig.configured("a", "claude.permission_mode=manual", 'claude.allow=["Bash(until *)"]', *more)


def lurking(rig: Rig, number: int) -> Path:
    """Have Claude start a turn by itself, once the file is made, which asks whether `approved-N` may be made."""
    go = rig.home / f"go-{number}"
    shell = {"command": f"until [ -e {go} ]; do sleep 0.01; done", "run_in_background": True}
    rig.standin.default({"tool": "Bash", "input": {"command": f"touch {rig.home}/approved-{number}"}})
    answer = rig.ask("a", steps({"tool": "Bash", "input": shell}, {"text": f"shell {number} runs"}))
    assert answer == f"shell {number} runs"
    return go


def approved(rig: Rig) -> list[Path]:
    return sorted(rig.home.glob("approved-*"))


def settle(rig: Rig) -> None:
    """A person refuses whatever is asked, until every message has ended and Claude is idle."""

    def settled() -> bool:
        if PROCEED in rig.screen("a"):
            keys(rig, "Escape")
        ended = {one["state"] for one in messages(rig)} <= {"done", "rejected", "dead"}
        return ended and rig.status("a")["state"] == "idle"

    until(settled, "the message is delivered after all")


@real
def test_enter_does_approve_the_dialog(rig: Rig) -> None:
    """What the tests below would show if a message answered one."""
    careful(rig)
    go = lurking(rig, 0)
    go.touch()
    sees(rig, PROCEED)
    assert approved(rig) == []
    keys(rig, "Enter")
    until(lambda: approved(rig) == [rig.home / "approved-0"], "the tool ran")


def sent(rig: Rig, text: str) -> None:
    """As `ccmux send`, without the time that a process takes to start."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(rig.paths("a").control_socket))
        client.sendall(json.dumps({"op": "send", "text": text}).encode() + b"\n")
        assert b'"state":"received"' in client.recv(1 << 16)


@real
@pytest.mark.parametrize("part", range(5))
def test_fifty_dialogs_that_open_around_a_message_are_not_answered_by_it(rig: Rig, part: int) -> None:
    careful(rig)
    chance = random.Random(SEED + part)  # noqa: S311
    for number in range(ROUNDS // 5):
        go = lurking(rig, number)
        go.touch()
        time.sleep(chance.uniform(0.0, 0.3))  # its turn needs as long to begin; a message is typed within 0.1 s
        sent(rig, steps({"text": f"answer {number}"}) + f" message {number}.")
        sees(rig, PROCEED)  # before, within or after the message's turn
        assert approved(rig) == []
        settle(rig)
        assert approved(rig) == []
        assert messages(rig)[-1]["state"] in ("done", "rejected")
        prompts = {text for text in rig.prompts() if f" message {number}. [end-" in text}
        assert len(prompts) == 1 or (not prompts and messages(rig)[-1]["state"] == "rejected")


# dialogs that are open


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
PLAN = {"tool": "ExitPlanMode", "input": {"plan": "first this, then that"}}


def five_wait(rig: Rig, reason: str) -> None:
    """Five messages come, and the screen stays as it is."""
    before = rig.screen("a")
    for number in range(5):
        rig.run("send", "a", f"yes please 1 {number}")
    until(lambda: rig.status("a")["blocked"] == reason, "it says why they wait")
    one = rig.status("a")
    assert (one["state"], one["reason"], one["queue"]["waiting"]) == ("waiting", reason, 5)
    assert [message["attempt"] for message in messages(rig)[-5:]] == [0] * 5
    assert rig.screen("a") == before


def delivered_in_order(rig: Rig) -> None:
    answers = [one["replies"][0]["text"] for one in rig.history("a")[-5:]]
    assert answers == [f"You wrote: yes please 1 {number}" for number in range(5)]
    assert [message["attempt"] for message in messages(rig)[-5:]] == [1] * 5


@real
def test_a_permission_is_not_given_by_five_messages(rig: Rig) -> None:
    careful(rig)
    rig.run("send", "a", steps({"tool": "Bash", "input": {"command": f"touch {rig.home}/approved-0"}}))
    sees(rig, PROCEED)
    five_wait(rig, "permission")
    keys(rig, "Escape")
    assert all_ended(rig) == ["rejected"] + ["done"] * 5
    delivered_in_order(rig)
    assert approved(rig) == []


@real
def test_a_question_is_not_answered_by_five_messages(rig: Rig) -> None:
    careful(rig)
    rig.run("send", "a", steps(QUESTION, {"text": "thank you"}))
    sees(rig, "Enter to select")
    five_wait(rig, "question")
    keys(rig, "2")
    assert all_ended(rig) == ["done"] * 6
    delivered_in_order(rig)
    answered = [json.dumps(request.body["messages"]) for request in rig.standin.requests() if request.main]
    assert "Blue" in answered[1].split("tool_result")[-1]


@real
def test_a_plan_is_not_approved_by_five_messages(rig: Rig) -> None:
    rig.configured("a", "claude.permission_mode=plan", "claude.allow=[]")
    rig.run("send", "a", steps(PLAN, {"text": "approved"}))
    sees(rig, "Claude wants to exit plan mode")
    five_wait(rig, "permission")
    keys(rig, "Escape")
    assert all_ended(rig) == ["rejected"] + ["done"] * 5
    delivered_in_order(rig)
    sees(rig, "plan mode on")


@real
def test_a_dialog_at_the_start_is_not_answered_by_five_messages(rig: Rig) -> None:
    rig.new("a", "--no-start")
    rig.run("config", "set", "a", "restart.ready_within", "2")
    file = rig.project("a") / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_text('{"permissions": {"allow": "nonsense"}}')
    process = rig.popen("start", "a")
    try:
        rig.wait_state("a", "waiting")
        five_wait(rig, "startup-dialog")
        keys(rig, "Enter")
    finally:
        process.communicate(timeout=120)
    assert all_ended(rig) == ["done"] * 5
    delivered_in_order(rig)


@real
def test_the_settings_are_not_changed_by_five_messages(rig: Rig) -> None:
    careful(rig)
    rig.ask("a", "warm")
    state = rig.paths("a").claude / ".claude.json"
    keys(rig, "-l", "/config")
    until(lambda: "❯ /config" in rig.screen("a").replace("\u00a0", " "), "it is drawn")
    keys(rig, "Enter")
    sees(rig, "Esc to go back")
    until(lambda: rig.status("a")["state"] == "waiting", "Claude says so")
    before = chosen(state)
    five_wait(rig, "dialog")
    keys(rig, "Escape")
    sees(rig, "Esc to close")
    keys(rig, "Escape")
    assert all_ended(rig) == ["done"] * 6
    delivered_in_order(rig)
    assert chosen(state) == before
    assert not (rig.paths("a").claude / "settings.json").exists()


def chosen(state: Path) -> dict[str, Any]:
    """What a person may choose in /config, of Claude's own file."""
    known = json.loads(state.read_text())
    return {key: known.get(key) for key in ("theme", "verbose", "autoCompactEnabled", "editorMode")}
