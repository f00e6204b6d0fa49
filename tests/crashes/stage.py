"""A real instance, on the double of Claude, whose daemon is the launcher: it dies at named places and is started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ccmux.claude.envfile import SECRETS
from ccmux.errors import CcmuxError
from ccmux.fleet.client import Client
from ccmux.standin import StandIn
from tests.crashes import launcher
from tests.crashes.peer import Peer
from tests.double.install import install
from tests.rig import PATIENCE, Rig, kill, until
from tests.torture.checker import Verdict, check
from tests.torture.history import load
from tests.torture.notes import Notes
from tests.torture.readers import Readers

NAME, CHANNEL = "a", "mail"
_SETTINGS = ("delivery.patience=0.3", "delivery.typing_pause=0.3", "delivery.max_attempts=50")
_RESTART = ("restart.first=0.05", "restart.longest=0.3", "restart.limit=1000")


class Stage:
    """One home, one instance, one sender on the socket with a key, one peer on a link, readers of all replies."""

    def __init__(self, home: Path, standin: StandIn) -> None:
        self.rig = Rig(home, standin, home / "nowhere")
        install(home / "bin" / "claude")
        self.paths = self.rig.paths(NAME)
        self.notes = home / "notes"
        self.notes.mkdir()
        self.armed, self.seen = home / "armed", home / "seen"
        self.armed.touch()
        self.ledger = self.notes / f"ledger-{NAME}.jsonl"
        self.sent, self.read = Notes(self.notes / "sent.jsonl"), Notes(self.notes / "read.jsonl")
        self.deaths: list[str] = []
        self.pairs = 0
        self.forgetful = False
        """whether the daemons have a seeded bug"""
        self._process: subprocess.Popen[bytes] | None = None
        self.rig.new(NAME, "--no-start")
        for setting in (*_SETTINGS, *_RESTART):
            key, _, value = setting.partition("=")
            self.rig.run("config", "set", NAME, key, value)
        self._plain = self.paths.env.read_text()
        self.turns_take("0.02")
        self.readers = Readers(self.read, [(self.paths.run / "out.local", NAME, "local")])
        self.peer = Peer(self.paths.run, CHANNEL, self.sent, self.read)

    def turns_take(self, seconds: str) -> None:
        """Of the next Claude."""
        words = f"CCMUX_DOUBLE_LEDGER={self.ledger}\nCCMUX_DOUBLE_DELAY={seconds}\nCCMUX_DOUBLE_FLUSH=0.1\n"
        self.paths.env.write_text(f"{self._plain.rstrip()}\n{words}")

    # the daemon

    def start(self) -> None:
        """Start the daemon; back when it answers, or has died."""
        env = {key: value for key, value in self.rig.env.items() if key not in SECRETS}
        env |= {"CCMUX_HOME": str(self.rig.home), "CCMUX_CRASH_AT": str(self.armed), "CCMUX_CRASH_SEEN": str(self.seen)}
        env |= {"CCMUX_CRASH_FORGETFUL": "1"} if self.forgetful else {}
        self.paths.logs.mkdir(exist_ok=True)
        with (self.paths.logs / "daemon.err").open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, launcher.__file__, NAME],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                cwd="/",
                env=env,
            )
        until(lambda: self.dead or self.status, "the daemon answers")

    @property
    def dead(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    @property
    def status(self) -> dict[str, Any]:
        with contextlib.suppress(CcmuxError, OSError, ValueError), Client(self.paths) as client:
            return dict(client.ask(op="status")["instance"])
        return {}

    def arm(self, *labels: str) -> None:
        """The places at which the daemons to come die, in this order."""
        beside = self.armed.with_suffix(".new")
        beside.write_text("".join(f"{label}\n" for label in labels))
        beside.rename(self.armed)
        self.deaths += labels

    def wait_death(self, what: str) -> None:
        until(lambda: self.dead, f"the daemon dies: {what}")
        assert self._process is not None
        assert self._process.returncode == launcher.EXIT, self.rig.logs()

    def begin(self) -> None:
        """The first start of all, and those who read."""
        self.start()
        self.readers.start()
        self.peer.start()

    # messages

    def say(self) -> None:
        """One message on each way."""
        self.pairs += 1
        local, mail = (self._about(channel) for channel in ("local", CHANNEL))
        self.peer.send(mail)
        threading.Thread(target=self._keep_asking, args=(local,), daemon=True).start()

    def _about(self, channel: str) -> dict[str, Any]:
        token = f"tok-{self.pairs:09x}{'0' if channel == 'local' else '1'}"
        about = {"token": token, "key": token, "text": f"{token} on {channel}", "instance": NAME, "channel": channel}
        return {**about, "sender": channel, "n": self.pairs}

    def _keep_asking(self, about: dict[str, Any]) -> None:
        """`{"op":"send"}` with a key, until it is acknowledged."""
        self.sent.note(what="try", **about)
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            with contextlib.suppress(CcmuxError, OSError, ValueError), Client(self.paths) as client:
                taken = client.ask(op="send", text=about["text"], key=about["key"])
                self.sent.note(what="ack", id=taken["id"], **about)
                return
            time.sleep(0.02)

    def survive(self, *labels: str) -> None:
        """Messages are under way while the daemon dies at each of these places; all of them end well."""
        self.arm(*labels)
        for _ in range(5):
            self.say()
            if self.live_on():
                return
        raise AssertionError(f"{labels}: not all were met; left: {self.armed.read_text()!r}")

    def live_on(self) -> bool:
        """Start the daemon whenever it died, until all is quiet; whether every place was met."""

        def settled() -> bool:
            if self.dead:
                self.wait_death("at its place")
                self.start()
            return self.quiet

        until(settled, f"all ends; armed: {self.armed.read_text()!r}, open: {self.open()}")
        return not self.armed.read_text()

    def open(self) -> tuple[int, ...]:
        """Messages that are not taken, not ended, replies that are not delivered."""
        with contextlib.closing(sqlite3.connect(f"{self.paths.journal.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            taken, ended = db.execute(
                "SELECT count(*), coalesce(sum(state IN ('done', 'rejected', 'dead')), 0) FROM inbox"
            ).fetchone()
            (waiting,) = db.execute(
                "SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND channel != 'report'"
            ).fetchone()
        return 2 * self.pairs - taken, taken - ended, waiting, self.peer.unacknowledged

    @property
    def quiet(self) -> bool:
        return not any(self.open()) and not self.dead

    # Claude and people

    def kill_claude(self) -> None:
        kill(self.claude, signal.SIGKILL)

    @property
    def claude(self) -> int:
        found = self.rig.tmux(NAME, "list-panes", "-a", "-F", "#{pane_pid}").split()
        return int(found[0])

    def types(self, words: str) -> None:
        """A person types into the box, and it is drawn."""
        self.rig.tmux(NAME, "send-keys", "-l", "-t", f"=ccmux-{NAME}:", words)
        until(lambda: words in self.rig.screen(NAME), f"{words!r} is drawn")

    def clears(self) -> None:
        """The person takes his words away."""
        self.rig.tmux(NAME, "send-keys", "-t", f"=ccmux-{NAME}:", "C-u")

    # the end

    def verdict(self) -> Verdict:
        """What the checker finds, when all that was written is read."""
        until(self._read_all, "all replies are read")
        return check(load(self.notes, {NAME: self.paths.journal}))

    def _read_all(self) -> bool:
        rows = [json.loads(row) for row in (self.notes / "read.jsonl").read_text().splitlines()]
        return len({json.loads(row["line"])["reply_to"] for row in rows} - {""}) == 2 * self.pairs

    def close(self) -> None:
        """Nothing runs any more."""
        if self.readers.is_alive():
            self.readers.stop()
        if self.peer.is_alive():
            self.peer.stop()
        if self._process is not None and not self.dead:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self.rig.close()
        self.sent.close()
        self.read.close()
