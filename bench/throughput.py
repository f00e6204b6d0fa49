"""Messages per second that one daemon acknowledges, each committed with fsync: over the control socket, over the link."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path

from bench.measures import judged, open_rig
from bench.table import Row
from ccmux.core.link import Part, line
from tests.rig import Rig, until

ROUNDS = 5
MESSAGES = 2000
CLIENTS = 4
TARGET = 2000.0
_ROOM = (
    "delivery.max_waiting=1000000",
    "delivery.max_waiting_per_sender=1000000",
    "delivery.max_waiting_bytes=10000000000",
)
_TEXT = "x" * 200


def throughput() -> list[Row]:
    """Claude works on one long turn meanwhile, so that everything else waits in the queue."""
    with open_rig() as rig:
        rig.configured("a", *_ROOM)
        rig.run("send", "a", '<<standin {"text": "late", "delay": 3600}>>')
        rig.wait_state("a", "busy")
        by_socket = [_by_socket(rig.paths("a").control_socket, number) for number in range(ROUNDS)]
        by_link = _by_link(rig)
    rows = [
        Row(f"acknowledged per second over the socket, {CLIENTS} clients", by_socket, "/s", "≥ 2,000"),
        Row("acknowledged per second over the link, one peer", by_link, "/s", "≥ 2,000"),
    ]
    return [judged(row, row.median >= TARGET) for row in rows]


def _by_socket(path: Path, number: int) -> float:
    each = MESSAGES // CLIENTS
    threads = [threading.Thread(target=_client, args=(path, f"{number}-{client}", each)) for client in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return each * CLIENTS / (time.perf_counter() - start)


def _client(path: Path, name: str, count: int) -> None:
    """Requests without waiting for the answers, as a gateway does that has many messages."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        requests = [{"op": "send", "text": _TEXT, "sender": name, "key": f"{name}-{n}"} for n in range(count)]
        client.sendall("".join(json.dumps(one) + "\n" for one in requests).encode())
        with client.makefile("rb") as answers:
            assert all(json.loads(answers.readline())["id"] for _ in range(count))


def _by_link(rig: Rig) -> list[float]:
    run = rig.paths("a").run
    os.mkfifo(run / "in.bench", 0o600)
    until((run / "out.bench").exists, "the channel is found")
    rates = []
    reading = os.open(run / "out.bench", os.O_RDONLY | os.O_NONBLOCK)  # it has no writer yet
    os.set_blocking(reading, True)
    with os.fdopen(reading, "rb") as answers:
        fd = os.open(run / "in.bench", os.O_WRONLY)
        os.write(fd, b'{"v":1,"hello":"bench"}\n')
        until(answers.readline, "the daemon says hello, too")
        for number in range(ROUNDS):
            lines = [line(Part(1, f"{number}-{n}", 1, 1, _TEXT)) for n in range(MESSAGES)]
            writer = threading.Thread(target=lambda lines=lines: [os.write(fd, one) for one in lines])
            start = time.perf_counter()
            writer.start()
            acknowledged = 0
            while acknowledged < MESSAGES:
                acknowledged += b'"ack"' in answers.readline()
            rates.append(MESSAGES / (time.perf_counter() - start))
            writer.join()
        os.close(fd)
    return rates
