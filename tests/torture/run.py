"""Torture: senders, readers and a monkey at once; then calm, and the checker's verdict.

python -m tests.torture.run --seed S --minutes 30 --messages 2000 --kills 200 [--real] [--keep]
python -m tests.torture.run --volume [--instances 10] [--messages 1000]
python -m tests.torture.run --burst [--messages 10000]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ccmux.standin import StandIn
from tests.double.install import install
from tests.rig import Rig, alive, kill
from tests.torture import asked
from tests.torture.checker import Verdict, check
from tests.torture.history import load
from tests.torture.monkey import Blows, Monkey
from tests.torture.notes import Notes
from tests.torture.person import Person
from tests.torture.readers import Readers
from tests.torture.senders import FifoSender, Sender, SocketSender, VerbSender

OTHER = "x"
"""A channel that a stranger makes, beside `local`."""
_QUIET_WITHIN = 180.0
_STUCK = 20.0
"""Seconds without progress after which a person takes a draft out of the box."""
_TIDY = "\x05\x15\x13\x05\x15"
_SETTINGS = (
    "restart.limit=1000",
    "restart.first=0.05",
    "restart.longest=0.3",
    "delivery.patience=2",
    "delivery.typing_pause=1",
    "delivery.max_attempts=50",
)


@dataclass(frozen=True)
class Plan:
    """What a run is to be."""

    seed: int
    messages: int
    kills: int
    seconds: float
    """over which messages and kills are spread"""
    instances: Sequence[str] = ("a", "b")
    real: bool = False
    delay: float = 0.15
    """mean seconds of a turn of the double; one in twelve takes twelve times as long"""
    flush: float = 0.1
    """seconds until the double writes a row"""
    blows: Blows | None = None


class Run:
    """A person's home with instances that are tortured."""

    def __init__(self, home: Path, plan: Plan, standin: StandIn) -> None:
        self.home = home
        self.plan = plan
        self.notes = home / "notes"
        self.notes.mkdir()
        claude = Path(os.environ.get("CCMUX_CLAUDE") or shutil.which("claude") or "claude").absolute()
        self.rig = Rig(home, standin, claude)
        if not plan.real:
            install(home / "bin" / "claude")
        self.standin = standin
        self.sent = Notes(self.notes / "sent.jsonl")
        self.read = Notes(self.notes / "read.jsonl")
        self.chaos = Notes(self.notes / "chaos.jsonl")
        self.monkey = Monkey(self.rig, self.chaos, plan.seed, list(plan.instances), plan.blows)
        pipes = [
            (self.rig.paths(name).run / f"out.{channel}", name, channel)
            for name in plan.instances
            for channel in ("local", OTHER)
        ]
        self.readers = Readers(self.read, pipes)

    def prepare(self, *settings: str) -> None:
        """Make and start the instances."""
        for name in self.plan.instances:
            self.rig.new(name, "--no-start")
            for setting in (*_SETTINGS, *settings):
                key, _, value = setting.partition("=")
                self.rig.run("config", "set", name, key, value)
            with self.rig.paths(name).env.open("a") as env:
                env.write(f"CCMUX_DOUBLE_LEDGER={self.notes / f'ledger-{name}.jsonl'}\n")
                env.write(f"CCMUX_DOUBLE_DELAY={self.plan.delay}\nCCMUX_DOUBLE_FLUSH={self.plan.flush}\n")
            self.rig.run("start", name)
        self.readers.start()

    def senders(self) -> list[Sender]:
        """Of each instance: two on the socket, one by the verb, one FIFO each for two channels."""
        kinds: list[tuple[type[Sender], str, float]] = [
            (SocketSender, "local", 0.35),
            (SocketSender, "local", 0.25),
            (VerbSender, "local", 0.05),
            (FifoSender, "local", 0.15),
            (FifoSender, OTHER, 0.2),
        ]
        each = self.plan.messages / len(self.plan.instances)
        found = []
        for name in self.plan.instances:
            for number, (kind, channel, share) in enumerate(kinds):
                draw = random.Random(f"{self.plan.seed} {name} {number}")  # noqa: S311 - no secret, chance by seed
                one = kind(self.rig, self.sent, draw, (name, channel, number), max(1, round(each * share)))
                one.pause = 0.9 * self.plan.seconds / one.count
                found.append(one)
        return found

    def torture(self) -> None:
        """Everything at once, for the time of the plan."""
        senders = self.senders()
        stop = threading.Event()
        draw = random.Random(f"gaps {self.plan.seed}")  # noqa: S311 - no secret, chance by seed
        gap = self.plan.seconds / max(1, self.plan.kills)
        began = time.monotonic()
        for sender in senders:
            sender.start()

        def gaps() -> float:
            ahead = self.monkey.kills * gap - (time.monotonic() - began)
            return max(0.0, draw.uniform(0, 0.6 * gap) + ahead)

        self.monkey.until_calm(self.plan.kills, stop, gaps)
        for name in self.plan.instances:
            self.monkey.have_daemon(name)
        for sender in senders:
            sender.join(self.plan.seconds + 120)
            assert not sender.is_alive(), f"{sender.name} is still sending"

    def settle(self, within: float = _QUIET_WITHIN) -> None:
        """Wait until every queue is empty and all is read, or no more is to be hoped for."""
        give_up, moved, before = time.monotonic() + within, time.monotonic(), (-1, -1)
        while time.monotonic() < give_up:
            now = self.open()
            if now == (0, 0):
                break
            if now != before:
                moved, before = time.monotonic(), now
            elif time.monotonic() - moved > _STUCK:
                self._tidy()
                self._channels()
                moved = time.monotonic()
            time.sleep(0.2)
        time.sleep(0.5)
        self.readers.stop()

    def open(self) -> tuple[int, int]:
        """How many messages have not ended, and how many replies nobody has read."""
        messages = replies = 0
        for journal in self.journals().values():
            with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
                ended = "('done', 'rejected', 'dead')"
                messages += db.execute(f"SELECT count(*) FROM inbox WHERE state NOT IN {ended}").fetchone()[0]  # noqa: S608
                replies += db.execute(
                    "SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND channel != 'report'"
                ).fetchone()[0]
        return messages, replies

    def journals(self) -> dict[str, Path]:
        return {name: self.rig.paths(name).journal for name in self.plan.instances}

    def _tidy(self) -> None:
        """A person takes the drafts away that are left in the boxes."""
        for name in self.plan.instances:
            self.chaos.note(what="person: tidies", instance=name)
            person = Person(self.rig.paths(name).tmux_socket, self.rig.env)
            person.watch(0.5)
            person.press(_TIDY, pause=0.2)
            person.leave()

    def _channels(self) -> None:
        """After a wipe a channel is back when a stranger makes its FIFO again; until then its replies wait."""
        for name in self.plan.instances:
            fifo = self.rig.paths(name).run / f"in.{OTHER}"
            if not fifo.exists():
                self.chaos.note(what="stranger: makes the channel", instance=name)
                os.mkfifo(fifo, 0o600)

    def verdict(self) -> Verdict:
        history = load(self.notes, self.journals())
        if self.plan.real:
            history.turns = asked.turns(self.standin.requests(), {one.token: one.instance for one in history.sent})
        return check(history)

    def close(self) -> None:
        for name in self.plan.instances:
            self.monkey.pids(name)
        self.rig.close()
        for pid in self.monkey.seen:
            if alive(pid) and self.monkey._ours(pid):
                kill(pid, signal.SIGKILL)
        for notes in (self.sent, self.read, self.chaos):
            notes.close()


@contextmanager
def running(plan: Plan, *settings: str) -> Iterator[Run]:
    """A prepared run; afterwards nothing of it is left."""
    home = Path(tempfile.mkdtemp(prefix="cx", dir="/tmp"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        run = Run(home, plan, stack.enter_context(StandIn()))
        stack.callback(run.close)
        run.prepare(*settings)
        yield run


def torture(plan: Plan, *, keep: bool = False) -> Verdict:
    """One whole run."""
    with running(plan) as run:
        run.torture()
        run.settle()
        verdict = run.verdict()
        if keep or verdict.faults:
            sys.stderr.write(f"kept: {_kept(run)}\n")
        return verdict


def _kept(run: Run) -> Path:
    """Where notes, journals, logs and transcripts of the run stay."""
    kept = Path(tempfile.mkdtemp(prefix="cx-kept-", dir="/tmp"))
    run.rig.close()
    shutil.copytree(run.notes, kept / "notes")
    for name in run.plan.instances:
        paths = run.rig.paths(name)
        shutil.copytree(paths.data, kept / name, ignore=shutil.ignore_patterns("hooks"))
        shutil.copytree(paths.logs, kept / f"{name}-logs")
        shutil.copytree(paths.claude / "projects", kept / f"{name}-projects")
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description="Nothing is lost, nothing happens twice.")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--messages", type=int, default=None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--instances", type=int, default=None)
    parser.add_argument("--delay", type=float, default=Plan.delay, help="mean seconds of a turn of the double")
    parser.add_argument("--flush", type=float, default=Plan.flush, help="seconds until the double writes a row")
    parser.add_argument("--real", action="store_true", help="the real Claude Code, with the stand-in")
    parser.add_argument("--keep", action="store_true", help="keep notes, journals, logs and transcripts")
    parser.add_argument("--volume", action="store_true", help="10 instances x 1000 messages, no chaos")
    parser.add_argument("--burst", action="store_true", help="10,000 sends at once against delivery.max_waiting")
    asked_for = parser.parse_args()
    if asked_for.volume or asked_for.burst:
        from tests.torture import volume

        if asked_for.burst:
            return volume.burst(asked_for.messages or 10_000)
        return volume.volume(asked_for.instances or 10, asked_for.messages or 1000)
    seed = asked_for.seed if asked_for.seed is not None else int.from_bytes(os.urandom(4), "big")
    instances = [chr(ord("a") + number) for number in range(asked_for.instances or 2)]
    plan = Plan(
        seed,
        asked_for.messages or 2000,
        asked_for.kills,
        asked_for.minutes * 60,
        instances,
        real=asked_for.real,
        delay=asked_for.delay,
        flush=asked_for.flush,
    )
    sys.stdout.write(f"seed {seed}: {plan}\n")
    sys.stdout.flush()
    began = time.monotonic()
    verdict = torture(plan, keep=asked_for.keep)
    sys.stdout.write(f"seed {seed}, {time.monotonic() - began:.0f} s\n{verdict}\n")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
