"""The double looks to ccmux like the real Claude Code, as far as messages go."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccmux.standin import StandIn
from tests.double.install import install
from tests.double.keys import Keys
from tests.double.paint import wrapped
from tests.rig import Rig, kill, until


@pytest.fixture
def double(short_dir: Path, standin: StandIn) -> Iterator[Rig]:
    """A person whose `claude` is the double."""
    person = Rig(short_dir, standin, short_dir / "nowhere")
    install(short_dir / "bin" / "claude")
    try:
        yield person
    finally:
        person.close()


def _with_environment(rig: Rig, **values: str) -> dict[str, Any]:
    rig.new("a", "--no-start")
    with rig.paths("a").env.open("a") as file:
        file.writelines(f"{key}={value}\n" for key, value in values.items())
    rig.run("start", "a")
    return rig.wait_state("a", "idle")


def _states(rig: Rig, text: str) -> tuple[list[str], list[str]]:
    """The states of the instance and of the message, on the way of one message."""
    seen: list[str] = []
    watcher = socket.socket(socket.AF_UNIX)
    watcher.connect(str(rig.paths("a").control_socket))
    watcher.sendall(b'{"op":"watch"}\n')

    def watch() -> None:
        with watcher.makefile("rb") as lines:
            seen.extend(json.loads(line)["instance"]["state"] for line in lines)

    thread = threading.Thread(target=watch)
    thread.start()
    assert rig.ask("a", text) == f"You wrote: {text}"
    until(lambda: seen[-1:] == ["idle"] and "busy" in seen, "it was busy and is idle again")
    watcher.shutdown(socket.SHUT_RDWR)
    thread.join()
    watcher.close()
    (message,) = rig.history("a")
    db = sqlite3.connect(rig.paths("a").journal)
    rows = db.execute("SELECT event FROM ledger WHERE message_id = ? ORDER BY seq", (message["message"]["id"],))
    events = [str(row[0]) for row in rows]
    db.close()
    return [state for number, state in enumerate(seen) if [state] != seen[max(0, number - 1) : number]], events


@pytest.mark.real
def test_double_and_real_give_the_same_states_for_one_message(
    rig: Rig, standin: StandIn, request: pytest.FixtureRequest
) -> None:
    standin.queue({"text": "You wrote: a word", "delay": 0.7})
    rig.new("a")
    of_real = _states(rig, "a word")
    rig.close()
    other = rig.home / "d"
    other.mkdir()
    person = Rig(other, standin, other / "nowhere")
    request.addfinalizer(person.close)
    install(other / "bin" / "claude")
    _with_environment(person, CCMUX_DOUBLE_DELAY="0.7")
    assert _states(person, "a word") == of_real
    assert of_real[0] == ["idle", "busy", "idle"]
    assert of_real[1] == ["pasting", "submitting", "accepted", "committed", "done"]


def test_every_turn_stands_in_the_ledger(double: Rig) -> None:
    ledger = double.home / "ledger.jsonl"
    _with_environment(double, CCMUX_DOUBLE_LEDGER=str(ledger))
    assert double.ask("a", "one\ntwo\n\nthree") == "You wrote: one\ntwo\n\nthree"
    until(lambda: '"committed"' in ledger.read_text(), "its row is written")
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    (committed,) = [line for line in lines if line["what"] == "committed"]
    (answered,) = [line for line in lines if line["what"] == "answered"]
    assert "]\none\ntwo\n\nthree\n[end-" in committed["prompt"]
    assert answered["prompt_id"] == committed["prompt_id"]


def test_a_killed_double_comes_back_with_its_conversation_and_does_not_go_on_by_itself(double: Rig) -> None:
    ledger = double.home / "ledger.jsonl"
    before = _with_environment(double, CCMUX_DOUBLE_LEDGER=str(ledger), CCMUX_DOUBLE_DELAY="3", CCMUX_DOUBLE_FLUSH="0")
    double.run("send", "a", "slow")
    until(lambda: double.history("a")[0]["message"]["state"] == "committed", "committed")
    kill(before["claude"]["pid"], signal.SIGKILL)
    until(lambda: double.history("a")[0]["message"]["state"] == "done", "answered by the next one")
    assert double.history("a")[0]["replies"][0]["text"] == "[resumed after an interruption]\n\nYou wrote: slow"
    assert double.status("a")["session_id"] == before["session_id"]
    prompts = [json.loads(line) for line in ledger.read_text().splitlines() if '"committed"' in line]
    assert len(prompts) == 2
    assert "was interrupted before you answered it" in prompts[1]["prompt"]


def test_a_draft_that_is_set_aside_stands_in_the_box_again(double: Rig) -> None:
    double.configured("a", "delivery.patience=1", "delivery.typing_pause=1")
    double.tmux("a", "send-keys", "-t", "=ccmux-a:", "half a thought")
    until(lambda: "❯\u00a0half a thought" in double.screen("a"), "the draft is drawn")
    assert double.ask("a", "hi") == "You wrote: hi"
    until(lambda: "❯\u00a0half a thought" in double.screen("a"), "the draft is back")


@pytest.mark.parametrize("how", ["--session-id", "--resume"])
def test_it_refuses_conversations_as_the_real_one_does(double: Rig, how: str) -> None:
    one = double.new("a")
    double.ask("a", "hi")
    double.run("stop", "a")
    settings = double.paths("a").data / "settings.json"
    session = one["session_id"] if how == "--session-id" else str(uuid.uuid4())
    argv = [str(double.home / "bin" / "claude"), "--settings", str(settings), how, session]
    env = double.env | {"CLAUDE_CONFIG_DIR": str(double.paths("a").claude)}
    said = subprocess.run(argv, env=env, cwd=double.project("a"), capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert ("already in use" if how == "--session-id" else "No conversation found") in said.stderr


def test_keys_are_told_apart_however_the_bytes_are_cut() -> None:
    data = "a\x1b[200~pasted ❯\ntext\x1b[201~\n\x05\x15\x7f\x13\x1b[I\r".encode()
    whole = Keys().feed(data)
    for size in range(1, 9):
        keys = Keys()
        found = [key for at in range(0, len(data), size) for key in keys.feed(data[at : at + size])]
        assert "".join(text for _, text in found) == "".join(text for _, text in whole)
        assert [key for key, _ in found if key != "text"] == [key for key, _ in whole if key != "text"]
    assert [key for key, _ in whole if key != "text"] == [
        "newline",
        "end",
        "erase-line",
        "backspace",
        "stash",
        "enter",
    ]


def test_an_esc_that_nothing_follows_is_the_key() -> None:
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.undecided
    assert keys.escape() == [("escape", "")]


def test_words_stay_whole_in_the_box() -> None:
    lines = wrapped("aaa bbb [end-abcdefgh]", 10)
    assert "".join(lines) == "aaa bbb [end-abcdefgh]"
    assert wrapped("aaa [end-abcdefgh]", 15)[-1] == "[end-abcdefgh]"
