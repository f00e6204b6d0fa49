"""Many messages without chaos: does the machinery hold, and how long does it take."""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
import time
from pathlib import Path

from tests.torture.checker import Verdict
from tests.torture.notes import Notes
from tests.torture.run import Plan, Run, running

_WITHIN = 7200.0
_CONNECTIONS = 8


def volume(instances: int, messages: int) -> int:
    """So many instances with so many messages each, each answered once and in order; prints how long it took."""
    names = [f"v{number}" for number in range(instances)]
    plan = Plan(1, messages * instances, 0, 0.0, names, delay=0.001, flush=0.0)
    with running(plan, *_limits(messages)) as run:
        began = time.monotonic()
        threads = [
            threading.Thread(target=_send, args=(run.rig.paths(name).control_socket, run.sent, name, "one", messages))
            for name in names
        ]
        _together(threads)
        taken = time.monotonic()
        run.settle(_WITHIN)
        seconds = time.monotonic() - began
        verdict = run.verdict()
        sys.stdout.write(
            f"{instances} x {messages} messages: taken in {taken - began:.1f} s, answered in {seconds:.1f} s,"
            f" {instances * messages / seconds:.1f} turns/s\n{verdict}\n"
        )
        return _complete(verdict, instances * messages)


def burst(messages: int, waiting: int = 1000) -> int:
    """Far more sends at once than may wait: every one is either taken, and then answered, or refused."""
    with running(Plan(1, messages, 0, 0.0, ["a"], delay=0.001, flush=0.0), *_limits(waiting)) as run:
        accepted, refused = flood(run, "a", messages)
        sys.stdout.write(f"{messages} sends: {accepted} accepted, {refused} refused\n")
        run.settle(_WITHIN)
        verdict = run.verdict()
        sys.stdout.write(f"{verdict}\n")
        adds_up = accepted + refused == messages and accepted >= waiting
        return _complete(verdict, accepted) if adds_up else 1


def _limits(waiting: int) -> tuple[str, str]:
    """As many from one sender as from all."""
    return f"delivery.max_waiting={waiting}", f"delivery.max_waiting_per_sender={waiting}"


def flood(run: Run, name: str, messages: int) -> tuple[int, int]:
    """Send from several connections as fast as they are answered; how many were accepted and refused."""
    each = messages // _CONNECTIONS
    counts: list[tuple[int, int]] = []
    path = run.rig.paths(name).control_socket

    def one(number: int) -> None:
        counts.append(_send(path, run.sent, name, f"c{number}", each))

    _together([threading.Thread(target=one, args=(number,)) for number in range(_CONNECTIONS)])
    assert len(counts) == _CONNECTIONS
    return sum(taken for taken, _ in counts), sum(left for _, left in counts)


def _send(path: Path, sent: Notes, instance: str, sender: str, messages: int) -> tuple[int, int]:
    draw = random.Random(f"{instance} {sender}")  # noqa: S311 - no secret, chance by seed
    accepted = refused = 0
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        answers = client.makefile("rb")
        for n in range(1, messages + 1):
            token = f"tok-{draw.getrandbits(40):010x}"
            about = {"token": token, "text": f"{token} {n}", "instance": instance, "channel": "local"}
            client.sendall(json.dumps({"op": "send", "text": about["text"], "key": token}).encode() + b"\n")
            answer = json.loads(answers.readline())
            what = "ack" if "id" in answer else "refused"
            accepted, refused = accepted + (what == "ack"), refused + (what == "refused")
            sent.note(what=what, **about, sender=sender, n=n, key=token, id=answer.get("id"))
    return accepted, refused


def _together(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _complete(verdict: Verdict, wanted: int) -> int:
    done = verdict.counts["ended done"]
    return 0 if not verdict.faults and done == wanted == verdict.counts["replies read"] else 1
