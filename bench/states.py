"""How late a change of state is told: from Claude's own registry, or a person's key, to the line of the `watch` request."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pexpect

from bench.measures import MS, RUNS, judged, open_rig
from bench.table import Row
from tests.rig import Rig, until

DIALOGS = 10
TARGET = 300.0


class Log:
    """Times at which a state was seen, by a thread of its own."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, str]] = []
        self._ended = threading.Event()

    def note(self, state: str) -> None:
        if not self.seen or self.seen[-1][1] != state:
            self.seen.append((time.monotonic(), state))

    def watch(self, control: Path) -> None:
        """What the daemon tells."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(control))
            client.sendall(b'{"op":"watch"}\n')
            client.settimeout(0.2)
            rest = b""
            while not self._ended.is_set():
                try:
                    rest += client.recv(1 << 16)
                except TimeoutError:
                    continue
                *lines, rest = rest.split(b"\n")
                for line in lines:
                    self.note(json.loads(line)["instance"]["state"])

    def read(self, registry: Path) -> None:
        """What Claude writes, asked as fast as can be."""
        while not self._ended.is_set():
            try:
                self.note(json.loads(registry.read_bytes())["status"])
            except (OSError, ValueError, KeyError):
                continue
            time.sleep(0.002)

    def end(self) -> None:
        self._ended.set()

    def after(self, at: float, state: str) -> float | None:
        """When the state was first seen from then on."""
        return next((seen for seen, what in self.seen if what == state and seen >= at), None)


def state() -> list[Row]:
    """Busy, waiting and idle of real turns; keys of a person."""
    with open_rig() as rig:
        rig.configured("a", "claude.permission_mode=manual", "claude.allow=[]", "delivery.typing_pause=1")
        rig.ask("a", "warm")
        truth, told = Log(), Log()
        pid = rig.status("a")["claude"]["pid"]
        threads = [
            threading.Thread(target=truth.read, args=(rig.paths("a").claude / "sessions" / f"{pid}.json",)),
            threading.Thread(target=told.watch, args=(rig.paths("a").control_socket,)),
        ]
        for thread in threads:
            thread.start()
        try:
            for number in range(RUNS):
                rig.ask("a", f'<<standin {{"text": "{number}", "delay": 0.3}}>>')
            for _ in range(DIALOGS):
                _dialog(rig)
            keys = _keys(rig, told)
        finally:
            for log in (truth, told):
                log.end()
            for thread in threads:
                thread.join()
    late = [(told.after(at - 0.001, what), at) for at, what in truth.seen[1:]]
    changes = [(then - at) * MS for then, at in late if then is not None]
    if len(changes) < len(late) - 1:
        sys.exit(f"{len(late) - len(changes)} changes of state were not told")
    rows = [Row("Claude's registry changes → told by `watch`", changes, "ms", "≤ 300 ms")]
    rows.append(Row("a person's key → `typing` told by `watch`", keys, "ms", "≤ 300 ms"))
    return [judged(row, row.median <= TARGET) for row in rows]


def _dialog(rig: Rig) -> None:
    rig.run("send", "a", '<<standin [{"tool":"Bash","input":{"command":"touch x"}},{"text":"after"}]>>')
    rig.wait_state("a", "waiting")
    rig.tmux("a", "send-keys", "-t", "=ccmux-a:", "Escape")
    until(lambda: rig.status("a")["state"] == "idle" and not rig.status("a")["queue"]["in_flight"], "idle again")


def _keys(rig: Rig, told: Log) -> list[float]:
    person = pexpect.spawn(
        sys.executable, ["-m", "ccmux", "attach", "a"], env=rig.env, dimensions=(45, 160), timeout=30
    )
    person.expect("detach: prefix")
    values: list[float] = []
    for _ in range(RUNS):
        until(lambda: told.seen[-1][1] == "idle", "nobody types any more")
        at = time.monotonic()
        person.send("\x1b[C")  # a key that leaves no draft
        values.append((until(_seen(told, at), "typing is told") - at) * MS)
    person.close(force=True)
    return values


def _seen(told: Log, at: float) -> Callable[[], float]:
    return lambda: told.after(at, "typing") or 0.0
