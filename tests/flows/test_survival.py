"""kill -9 of daemon, Claude and tmux at every moment that a test can choose: nothing is lost, nothing comes twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import threading
from pathlib import Path

import pytest

from tests.rig import Rig, alive, kill, until

pytestmark = pytest.mark.real


def _typed(rig: Rig, text: str) -> int:
    """In how many distinct prompts the API saw the text as a fresh message."""
    bodies = [request.text for request in rig.standin.requests() if request.main]
    return len({body for body in bodies if text in body})


def _transcripts(rig: Rig) -> list[Path]:
    return list(rig.paths("a").claude.glob("projects/*/*.jsonl"))


def _written_down(rig: Rig, text: bytes) -> None:
    """Claude flushes its transcript some 0.1 s after the turn has ended."""
    until(lambda: text in b"".join(file.read_bytes() for file in _transcripts(rig)), "Claude wrote it down")


def test_claude_that_dies_before_it_wrote_anything_down_keeps_its_session_id(rig: Rig) -> None:
    before = rig.new("a")
    (rig.paths("a").claude / "projects" / "x").mkdir(parents=True)
    headers = json.dumps({"type": "mode", "mode": "normal", "sessionId": before["session_id"]})
    (rig.paths("a").claude / "projects" / "x" / f"{before['session_id']}.jsonl").write_text(headers + "\n")
    kill(before["claude"]["pid"], signal.SIGKILL)
    assert rig.ask("a", "hi") == "You wrote: hi"
    assert rig.status("a")["session_id"] == before["session_id"]


def test_claude_outlives_its_daemon(rig: Rig) -> None:
    before = rig.new("a")
    rig.ask("a", "one")
    rig.kill_daemon("a")
    assert rig.status("a")["reason"] == "daemon-not-running"
    rig.run("start", "a")
    after = rig.status("a")
    assert after["claude"]["pid"] == before["claude"]["pid"]
    assert after["daemon"]["pid"] != before["daemon"]["pid"]
    assert rig.ask("a", "two") == "You wrote: two"


def test_a_turn_that_ends_while_no_daemon_runs_is_answered_once(rig: Rig) -> None:
    rig.new("a")
    rig.run("send", "a", '<<standin {"text": "the answer", "delay": 2}>> q1')
    until(lambda: rig.history("a")[0]["message"]["state"] == "committed", "the message is part of the conversation")
    rig.kill_daemon("a")
    spool = rig.paths("a").hook_spool
    until(lambda: any(b'"Stop"' in file.read_bytes() for file in spool.glob("*.json")), "the hook is on disk")
    rig.run("start", "a")
    until(lambda: rig.history("a")[0]["message"]["state"] == "done", "the next daemon finds the answer")
    assert [one["text"] for one in rig.history("a")[0]["replies"]] == ["the answer"]
    assert _typed(rig, "q1") == 1


def test_a_start_that_meets_a_dying_daemon_starts_another(rig: Rig) -> None:
    """Its socket still takes connections, and closes them without a word."""
    rig.new("a")
    rig.run("stop", "a")
    paths = rig.paths("a")
    with socket.socket(socket.AF_UNIX) as dying:
        dying.bind(str(paths.control_socket))
        dying.listen()

        def reset() -> None:
            line, _ = dying.accept()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.recv(1)  # the rest is not read: closing resets
            line.close()
            dying.close()

        thread = threading.Thread(target=reset)
        thread.start()
        rig.run("start", "a")
        thread.join()
    assert rig.ask("a", "hello") == "You wrote: hello"


@pytest.mark.parametrize("moment", ["received", "pasting", "submitting", "accepted", "committed"])
def test_the_daemon_is_killed_around_every_state(rig: Rig, moment: str) -> None:
    """Kill as soon as the journal shows that state or a later one; the next daemon goes on from the evidence."""
    order = ["received", "pasting", "submitting", "accepted", "committed", "done"]
    rig.new("a")
    rig.run("send", "a", '<<standin {"text": "ok", "delay": 1}>> q2')
    until(lambda: order.index(rig.history("a")[0]["message"]["state"]) >= order.index(moment), moment)
    rig.kill_daemon("a")
    rig.run("start", "a")
    until(lambda: rig.history("a")[0]["message"]["state"] == "done", "answered")
    assert [one["text"] for one in rig.history("a")[0]["replies"]] == ["ok"]
    assert _typed(rig, "q2") == 1


def test_claude_comes_back_with_its_conversation(rig: Rig) -> None:
    before = rig.new("a")
    rig.ask("a", "remember 4711")
    _written_down(rig, b"4711")
    kill(before["claude"]["pid"], signal.SIGKILL)
    until(lambda: rig.status("a")["claude"]["pid"] not in (0, before["claude"]["pid"]), "a new Claude")
    after = rig.wait_state("a", "idle")
    assert after["session_id"] == before["session_id"]
    rig.ask("a", "which?")
    assert "4711" in json.dumps(rig.standin.requests()[-1].body["messages"])


def test_a_claude_that_is_missing_for_a_while_keeps_its_conversation(rig: Rig) -> None:
    binary = rig.home / "bin" / "claude"
    before = rig.configured("a", f"claude.command={binary}")
    rig.ask("a", "remember 4711")
    _written_down(rig, b"4711")
    aside = binary.rename(binary.with_name("aside"))
    kill(before["claude"]["pid"], signal.SIGKILL)
    log = rig.paths("a").daemon_log
    until(lambda: log.read_text().count("Claude Code is not installed") > 1, "two starts have failed")
    aside.rename(binary)
    assert rig.wait_state("a", "idle")["session_id"] == before["session_id"]
    rig.ask("a", "which?")
    assert "4711" in json.dumps(rig.standin.requests()[-1].body["messages"])


def test_an_interrupted_turn_is_continued_and_the_reply_says_so(rig: Rig) -> None:
    before = rig.new("a")
    rig.ask("a", "first")
    rig.standin.queue({"text": "never", "delay": 60}, {"text": "the answer"})
    rig.run("send", "a", "q3")
    until(lambda: rig.history("a")[1]["message"]["state"] == "committed", "committed")
    kill(before["claude"]["pid"], signal.SIGKILL)
    until(lambda: rig.history("a")[1]["message"]["state"] == "done", "answered by the next Claude")
    (reply,) = rig.history("a")[1]["replies"]
    assert reply["text"] == "[resumed after an interruption]\n\nthe answer"
    assert "was interrupted before you answered it" in rig.prompts()[-1]


def test_the_tmux_server_is_killed(rig: Rig) -> None:
    before = rig.new("a")
    rig.ask("a", "remember 4711")
    _written_down(rig, b"4711")
    rig.tmux("a", "kill-server")
    until(lambda: rig.status("a")["claude"]["pid"] not in (0, before["claude"]["pid"]), "a new session")
    rig.wait_state("a", "idle")
    assert rig.ask("a", "and now?") == "You wrote: and now?"
    assert "4711" in json.dumps(rig.standin.requests()[-1].body["messages"])


def test_a_fresh_conversation_begins_visibly_when_the_old_one_cannot_be_resumed(rig: Rig) -> None:
    before = rig.new("a")
    rig.ask("a", "one")
    (transcript,) = rig.paths("a").claude.glob("projects/*/*.jsonl")
    rig.run("stop", "a")
    transcript.write_text("this is no transcript\n")
    rig.run("start", "a")
    assert rig.ask("a", "two") == "You wrote: two"
    assert rig.status("a")["session_id"] != before["session_id"]
    with open(rig.paths("a").run / "out.local", encoding="utf-8") as fifo:
        lines = [json.loads(fifo.readline()) for _ in range(3)]
    assert any("could not be resumed" in line.get("error", "") for line in lines)


def test_a_claude_that_cannot_live_ends_faulted_with_its_last_screen(rig: Rig) -> None:
    broken = rig.home / "bin" / "broken"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo 9.9.9 && exit 0\necho I cannot live; exit 3\n')
    broken.chmod(0o755)
    rig.new("a", "--no-start")
    rig.run("config", "set", "a", "claude.command", str(broken))
    rig.run("config", "set", "a", "restart.limit", "2")
    rig.run("config", "set", "a", "restart.first", "0.1")
    rig.run("start", "a", code=1)
    one = rig.wait_state("a", "faulted")
    assert one["reason"] == "crash-loop"
    assert "I cannot live" in rig.paths("a").last_screen.read_text()
    rig.run("config", "set", "a", "claude.command", str(rig.home / "bin" / "claude"))
    rig.run("restart", "a")
    assert rig.ask("a", "alive?") == "You wrote: alive?"


def test_two_daemons_one_wins(rig: Rig) -> None:
    rig.new("a")
    rig.run("run", "a", code=75)
    assert "is held by process" in rig.stderr


def test_the_runtime_directory_is_wiped(rig: Rig) -> None:
    """As after a reboot: sockets, FIFOs and script are gone with the processes; the conversation is not."""
    before = rig.new("a")
    rig.ask("a", "one")
    rig.kill_daemon("a")
    rig.tmux("a", "kill-server")
    until(lambda: not alive(before["claude"]["pid"]), "Claude is dead")
    for path in rig.paths("a").run.iterdir():
        path.unlink()
    os.rmdir(rig.paths("a").run)
    rig.run("start", "a")
    assert rig.status("a")["session_id"] == before["session_id"]
    assert rig.ask("a", "two") == "You wrote: two"


def test_the_machine_is_full_of_claudes_that_die(rig: Rig) -> None:
    """Ten deaths in a row of a Claude that works: always back, every message answered once."""
    rig.configured("a", "restart.limit=50", "restart.first=0.05", "restart.longest=0.2")
    for number in range(10):
        before = rig.status("a")["claude"]["pid"]
        assert rig.ask("a", f"message {number}") == f"You wrote: message {number}"
        kill(before, signal.SIGKILL)
        until(lambda before=before: rig.status("a")["claude"]["pid"] not in (0, before), "a new Claude")  # type: ignore[misc]
        rig.wait_state("a", "idle")
    assert Path(rig.paths("a").journal).exists()
    assert [len(one["replies"]) for one in rig.history("a")] == [1] * 10
