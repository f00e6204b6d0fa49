"""How long an instance is without its daemon."""

from __future__ import annotations

import os
import signal
import time

from bench.measures import MS, RUNS, judged, open_rig
from bench.table import Row
from ccmux.errors import CcmuxError
from ccmux.fleet.client import Client
from tests.rig import Rig

_HEALED = 15.0
_KILLS = 5


def restart() -> list[Row]:
    """By order, and after a kill -9, where no manager of services but our own keeper is there."""
    ordered, healed = [], []
    with open_rig() as rig:
        rig.new("a")
        for _ in range(RUNS):
            before = _daemon(rig)
            began = time.perf_counter()
            process = rig.popen("restart", "a")
            _another(rig, before)
            ordered.append((time.perf_counter() - began) * MS)
            process.communicate()
        for _ in range(_KILLS):
            before = _daemon(rig)
            began = time.perf_counter()
            os.kill(before, signal.SIGKILL)
            _another(rig, before)
            healed.append(time.perf_counter() - began)
    last = Row("daemon killed -9 → another answers, by the keeper (it waits 1, 2, 4 … s)", healed, "s", "≤ 15 s")
    return [
        Row("`ccmux restart` called → another daemon answers `status`", ordered, "ms", "–"),
        judged(last, last.median <= _HEALED),
    ]


def _daemon(rig: Rig) -> int:
    with Client(rig.paths("a")) as client:
        return int(client.ask(op="status")["instance"]["daemon"]["pid"])


def _another(rig: Rig, before: int) -> None:
    while True:
        try:
            if _daemon(rig) != before:
                return
        except (CcmuxError, OSError):
            time.sleep(0.002)
