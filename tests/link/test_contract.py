"""What a peer of the link must do, tried on `docs/example-channel` and on `ccmux.fifo.peer`, or on the command in CCMUX_PEER.

The command is called with the run directory, the channel's name and a spool directory: it sends every file in `spool/send`
(its name is the id), deletes it once acknowledged, and keeps every answer as JSON in `spool/got`.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import Rig, kill, until

pytestmark = pytest.mark.real

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "example-channel"
OURS = Path(__file__).parent / "spooled_peer.py"
COMMANDS = (
    {"given": shlex.split(os.environ["CCMUX_PEER"])}
    if os.environ.get("CCMUX_PEER")
    else {"example": [sys.executable, str(EXAMPLE)], "ours": [sys.executable, str(OURS)]}
)


class Peer:
    def __init__(self, rig: Rig, command: list[str], name: str = "a", channel: str = "mail") -> None:
        self.command = command
        self.rig, self.channel = rig, channel
        self.run = rig.paths(name).run
        self.spool = rig.home / "spool"
        self.process: subprocess.Popen[bytes] | None = None
        (self.spool / "send").mkdir(parents=True)
        (self.spool / "got").mkdir()

    def start(self) -> None:
        self.process = subprocess.Popen([*self.command, str(self.run), self.channel, str(self.spool)])

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def send(self, name: str, text: str) -> None:
        beside = self.spool / name
        beside.write_text(text)
        beside.rename(self.spool / "send" / name)

    @property
    def unacknowledged(self) -> list[str]:
        return [file.name for file in (self.spool / "send").iterdir()]

    @property
    def got(self) -> list[dict[str, object]]:
        return [json.loads(file.read_text()) for file in (self.spool / "got").glob("m-*")]


@pytest.fixture(params=list(COMMANDS))
def peer(rig: Rig, request: pytest.FixtureRequest) -> Iterator[Peer]:
    rig.new("a")
    rig.standin.default({"text": "ok"})
    one = Peer(rig, COMMANDS[request.param])
    yield one
    one.kill()


def test_a_message_is_acknowledged_answered_and_the_answer_is_marked_as_taken(rig: Rig, peer: Peer) -> None:
    peer.start()
    peer.send("first-1", "hello")
    until(lambda: [one["text"] for one in peer.got] == ["ok"], "the answer has come")
    until(lambda: peer.unacknowledged == [], "it was acknowledged")
    until(lambda: rig.json("outbox", "a")["replies"] == [], "the answer was acknowledged, too")
    (history,) = rig.history("a")
    assert history["message"]["channel"] == "mail"
    trace = rig.json("trace", history["message"]["id"])["trace"]
    assert (trace["source_key"], trace["cause"]) == ("link:mail:first-1", "link")


def test_long_messages_and_answers_travel_whole(rig: Rig, peer: Peer) -> None:
    rig.standin.default(None)
    text = "".join(f"{number}: ü漢🙂\n" for number in range(2000)).strip()
    peer.start()
    peer.send("long", text)
    rig.standin.queue({"text": "answer " + text})
    until(lambda: [one["text"] for one in peer.got] == ["answer " + text], "the whole answer")
    assert rig.history("a")[0]["message"]["text"] == text


def test_what_is_sent_again_is_acknowledged_again_and_taken_once(rig: Rig, peer: Peer) -> None:
    peer.start()
    peer.send("same", "hello")
    until(lambda: peer.unacknowledged == [], "acknowledged")
    peer.send("same", "hello")
    until(lambda: peer.unacknowledged == [], "acknowledged again")
    until(lambda: len(peer.got) == 1, "answered")
    assert len(rig.history("a")) == 1


def test_an_answer_waits_for_a_peer_that_is_away_and_comes_again_until_it_is_acknowledged(rig: Rig, peer: Peer) -> None:
    peer.start()
    peer.send("one", "hello")
    until(lambda: peer.got, "answered")
    peer.kill()
    until(lambda: rig.json("outbox", "a")["replies"] == [], "taken")
    rig.run("restart", "a")  # it is remembered that this peer acknowledges
    reader = subprocess.Popen(["head", "-n", "1", str(peer.run / "out.mail")], stdout=subprocess.PIPE)
    with (peer.run / "in.mail").open("w") as fifo:
        fifo.write(json.dumps({"v": 1, "id": "two", "part": 1, "parts": 1, "text": "again"}) + "\n")
    out, _ = reader.communicate(timeout=60)  # somebody reads a line, and never acknowledges
    assert json.loads(out)
    until(lambda: len(rig.json("outbox", "a", "--all")["replies"]) == 2, "answered")
    assert len(rig.json("outbox", "a")["replies"]) == 1
    peer.start()
    until(lambda: len(peer.got) == 2, "the peer has it in the end")
    until(lambda: rig.json("outbox", "a")["replies"] == [], "and has acknowledged it")


def test_a_full_queue_is_told_and_nothing_is_lost(rig: Rig, peer: Peer) -> None:
    rig.run("config", "set", "a", "delivery.max_waiting", "2")
    rig.run("restart", "a")
    for number in range(8):
        peer.send(f"n-{number}", f"message {number}")
    peer.start()
    until(lambda: len(peer.got) == 8, "all are answered in the end", within=90)
    assert Counter(one["message"]["state"] for one in rig.history("a")) == {"done": 8}


def test_forty_messages_while_either_side_is_killed(rig: Rig, peer: Peer) -> None:
    draw = random.Random(7)  # noqa: S311
    peer.start()
    for number in range(40):
        peer.send(f"n-{number:02}", f"message {number}")
        if number % 4 == 3:
            victim = draw.choice(["peer", "daemon", "both"])
            if victim in ("daemon", "both"):
                kill(int(rig.paths("a").lock.read_text()), signal.SIGKILL)
            if victim in ("peer", "both"):
                peer.kill()
                peer.start()
            if victim in ("daemon", "both"):
                rig.run("start", "a")
    until(lambda: len({one["reply_to"] for one in peer.got}) == 40, "all are answered", within=120)
    until(lambda: peer.unacknowledged == [], "all are acknowledged")
    history = rig.history("a")
    assert sorted(one["message"]["text"] for one in history) == sorted(f"message {n}" for n in range(40))
    assert {one["message"]["state"] for one in history} == {"done"}
    assert len(peer.got) == 40
