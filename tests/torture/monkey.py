"""The chaos monkey: kills, stops and wipes at moments drawn by a seed; then has a person's hands on the terminal."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable

from tests.rig import Rig, alive, kill, until
from tests.torture.notes import Notes
from tests.torture.person import Person

_TMUX_ANSWERS_WITHIN = 3.0
_STARTS_WITHIN = 120.0
_MOMENTS = ("", "pasting", "submitting", "accepted", "committed", "interrupted", "done")
"""States of the newest event in the journal at which it likes to strike; empty: at any time."""
_MOMENT_WITHIN = 2.0

Blows = dict[str, int]
BLOWS: Blows = {
    "kill daemon": 5,
    "kill claude": 5,
    "kill tmux": 3,
    "kill daemon and claude": 2,
    "kill all": 2,
    "stop daemon": 3,
    "stop tmux": 2,
    "wipe": 1,
    "person: esc": 1,
    "person: draft": 1,
}
"""What it does, and how often in proportion. (tmux lets a stopped program of its pane go on at once: no "stop claude".)"""


KILLS = ("kill", "wipe")
"""Blows that kill -9 something begin so."""


class Monkey:
    """Strikes one instance at a time; afterwards its daemon runs again."""

    def __init__(self, rig: Rig, notes: Notes, seed: int, instances: list[str], blows: Blows | None = None) -> None:
        self._rig = rig
        self._notes = notes
        self._draw = random.Random(f"monkey {seed}")  # noqa: S311 - no secret, chance by seed
        self._instances = instances
        self._blows = BLOWS if blows is None else blows
        self.kills = 0
        self.seen: set[int] = set()
        """every process that was found, so that none is left"""

    def strike(self) -> str:
        """One blow; what it was."""
        instance = self._draw.choice(self._instances)
        what = self._draw.choices(list(self._blows), list(self._blows.values()))[0]
        pids = self.pids(instance)
        moment = self._moment(instance)
        self._notes.note(what=what, instance=instance, pids=pids, moment=moment)
        act, _, whom = what.partition(" ")
        match act:
            case "kill":
                for name in ("daemon", "claude", "tmux") if whom == "all" else whom.split(" and "):
                    self._kill(pids, name)
                self._draw_pause()
            case "stop":
                self._stop(pids, whom)
            case "wipe":
                for name in pids:
                    self._kill(pids, name)
                shutil.rmtree(self._rig.paths(instance).run, ignore_errors=True)
            case _:
                self._person(instance, what)
        self.have_daemon(instance)
        return what

    def _moment(self, instance: str) -> str:
        """Wait until a message has just come into a state that is drawn by lot, and a little longer; the state."""
        wanted = self._draw.choice(_MOMENTS)
        later = self._draw.choice((0.0, 0.0, self._draw.uniform(0, 0.05), self._draw.uniform(0, 0.3)))
        give_up = time.monotonic() + _MOMENT_WITHIN
        journal = self._rig.paths(instance).journal
        with contextlib.closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=1.0)) as db:
            newest = "SELECT seq, event FROM ledger ORDER BY seq DESC LIMIT 1"
            before = db.execute(newest).fetchone()
            while wanted and time.monotonic() < give_up:
                with contextlib.suppress(sqlite3.Error):
                    now = db.execute(newest).fetchone()
                    if now and now != before and now[1] == wanted:
                        time.sleep(later)
                        return wanted
                time.sleep(0.001)
        return ""

    def pids(self, instance: str) -> dict[str, int]:
        """daemon, tmux and claude; those that there are."""
        run = self._rig.paths(instance).run
        found: dict[str, int] = {}
        for who in ("keeper", "daemon"):
            with contextlib.suppress(OSError, ValueError):
                found[who] = int((run.parent / "data" / f"{who}.lock").read_text())
        argv = ["tmux", "-S", str(run / "tmux.sock"), "list-panes", "-a", "-F", "#{pid} #{pane_pid}"]
        with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
            said = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_TMUX_ANSWERS_WITHIN)
            if said.returncode == 0:
                found["tmux"], found["claude"] = map(int, said.stdout.split()[:2])
        ours = {name: pid for name, pid in found.items() if alive(pid) and self._ours(pid)}
        self.seen |= set(ours.values())
        return ours

    def _ours(self, pid: int) -> bool:
        """Whether the process belongs to this run: a pid may have been given anew."""
        home = os.fsencode(self._rig.home)
        with contextlib.suppress(OSError):
            for file in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{file}", "rb") as content:
                    if home in content.read():
                        return True
        return False

    def _kill(self, pids: dict[str, int], name: str) -> None:
        pid = pids.get(name)
        if pid is not None:
            kill(pid, signal.SIGKILL)
            until(lambda: not alive(pid), f"{name} is dead")

    def _stop(self, pids: dict[str, int], name: str) -> None:
        pid = pids.get(name)
        if pid is None:
            return
        kill(pid, signal.SIGSTOP)
        time.sleep(self._draw.choice((0.05, 0.3, 1.0, 2.5)))
        kill(pid, signal.SIGCONT)

    def _person(self, instance: str, what: str) -> None:
        person = Person(self._rig.paths(instance).tmux_socket, self._rig.env)
        person.watch(0.3)
        if what == "person: esc":
            person.press("\x1b")
        else:
            person.press(f"drf-{self._draw.getrandbits(40):010x}", pause=0.02)
            if self._draw.random() < 0.5:
                person.watch(1.0)
                person.press("\x15")
        person.watch(0.2)
        person.leave()

    def have_daemon(self, instance: str) -> None:
        """`ccmux start`, until one runs."""
        give_up = time.monotonic() + _STARTS_WITHIN
        while True:
            process = self._rig.popen("start", instance)
            out, err = process.communicate(timeout=_STARTS_WITHIN)
            if process.returncode == 0:
                return
            assert time.monotonic() < give_up, f"ccmux start {instance}: {process.returncode}\n{out}\n{err}"
            time.sleep(0.3)

    def _draw_pause(self) -> None:
        time.sleep(self._draw.choice((0, 0, 0.05, 0.5)))

    def until_calm(self, kills: int, stop: threading.Event, gap: Callable[[], float]) -> None:
        """So many kills, with the other blows and gaps between them, or until told to stop."""
        while self.kills < kills and not stop.wait(gap()):
            self.kills += self.strike().startswith(KILLS)
