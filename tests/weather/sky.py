"""One instance `a` with the fast double, out in the weather: what was sent, what was asked, what was answered."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from ccmux.errors import CcmuxError
from ccmux.fleet.client import Client
from tests.double.files import rows_of
from tests.rig import Rig, alive, kill, until
from tests.torture.notes import Notes
from tests.torture.readers import Readers
from tests.weather.claude import script

_ROOT = Path(__file__).parents[2]
NAME = "a"
TROUBLE = re.compile(r"journal (\S+ )?cannot be written")
"""What a person must be told while the disk is not well."""
_CONTINUED = "was interrupted before you answered it"
_SETTINGS = (
    "restart.limit=1000",
    "restart.first=0.05",
    "restart.longest=0.3",
    "delivery.patience=2",
    "delivery.typing_pause=1",
)


_SQL = """
import json, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=10)
print(json.dumps(db.execute(sys.argv[2], json.loads(sys.argv[3])).fetchall()))
"""
_ROOM = 'mount -t tmpfs -o size="$1" ccmux "$2" && shift 2 && exec "$@"'


class Sky:
    """The instance, a reader of its `out.*`, and the double's ledger of what truly happened."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.paths = rig.paths(NAME)
        self.weather = rig.home / "weather"
        self.weather.mkdir()
        self._ledger = rig.home / "ledger.jsonl"
        self._read = rig.home / "read.jsonl"
        self._notes = Notes(self._read)
        self._readers: Readers | None = None
        self._launched: list[subprocess.Popen[bytes]] = []
        self.sent: list[str] = []
        self.inside: list[str] = []
        """the words that run a command where the daemon lives, if that is a place of its own"""
        claude = rig.home / "bin" / "claude"
        claude.unlink()
        claude.write_text(script(str(_ROOT)))
        claude.chmod(0o755)

    # life

    def make(self, *settings: str, delay: float = 0.01, flush: float = 0.02) -> None:
        """The instance, not started."""
        self.rig.new(NAME, "--no-start")
        config = tomlkit.parse(self.paths.config.read_text())
        for setting in (*_SETTINGS, *settings):
            key, _, value = setting.partition("=")
            table, _, name = key.partition(".")
            config.setdefault(table, tomlkit.table())[name] = tomlkit.value(value)
        self.paths.config.write_text(tomlkit.dumps(config))
        with self.paths.env.open("a") as env:
            env.write(f"CCMUX_DOUBLE_LEDGER={self._ledger}\nCCMUX_WEATHER={self.weather}\n")
            env.write(f"CCMUX_DOUBLE_DELAY={delay}\nCCMUX_DOUBLE_FLUSH={flush}\n")

    def start(self) -> None:
        """As a person starts it."""
        self.rig.run("start", NAME)
        self._begun()

    def launch(self) -> None:
        """Start the daemon under a sky of our own, see `launcher`."""
        self.run_daemon([sys.executable, "-m", "tests.weather.launcher", NAME])

    def run_daemon(self, argv: list[str]) -> None:
        """Start a daemon as our child, and wait until it answers."""
        env = self.rig.env | {"CCMUX_HOME": str(self.rig.home), "CCMUX_WEATHER": str(self.weather)}
        with (self.rig.home / "launcher.err").open("ab") as said:
            started = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/")
        self._launched.append(started)
        until(lambda: self.answers() or started.poll() is not None, "the daemon answers")
        assert started.poll() is None, (self.rig.home / "launcher.err").read_text()[-3000:]
        self._begun()

    def _begun(self) -> None:
        until(lambda: self.happened("began"), f"there is a Claude\n{self.rig.logs()}")
        self.read()

    def read(self, *channels: str) -> None:
        """Read `out.local` (and other channels) from now on."""
        if self._readers is None:
            pipes = [(self.paths.run / f"out.{one}", NAME, one) for one in ("local", *channels)]
            self._readers = Readers(self._notes, pipes)
            self._readers.start()

    def unread(self) -> None:
        """Stop reading."""
        if self._readers is not None:
            self._readers.stop()
            self._readers = None

    def close(self) -> None:
        self.unread()
        self._notes.close()
        self.rig.close()
        for started in self._launched:
            started.kill()
            started.wait()

    # people's words

    def answers(self) -> bool:
        """Whether the daemon answers on its socket."""
        try:
            self.status()
        except (CcmuxError, OSError):
            return False
        return True

    def status(self) -> dict[str, Any]:
        """By the socket, without the start of a process."""
        with Client(self.paths) as client:
            return dict(client.ask(op="status")["instance"])

    def send(self, text: str) -> str:
        """By the socket; the id. Raises what the daemon raised."""
        with Client(self.paths) as client:
            taken = str(client.ask(op="send", text=text)["id"])
        self.sent.append(text)
        return taken

    def write(self, text: str, channel: str = "local") -> None:
        """A line into the FIFO, as `echo` does it: as soon as somebody reads."""

        def written() -> bool:
            try:
                self.try_write(text, channel)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                return False
            return True

        until(written, f"somebody reads in.{channel}\n{self.rig.logs()}")

    def try_write(self, text: str, channel: str = "local") -> None:
        """Raises OSError when nobody reads."""
        fd = os.open(self.paths.run / f"in.{channel}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, text.encode() + b"\n")
        finally:
            os.close(fd)
        self.sent.append(text)

    def insist(self, text: str) -> None:
        """Send until it is taken, as somebody does who was told that it was not."""

        def taken() -> bool:
            try:
                self.send(text)
            except CcmuxError as error:
                if not TROUBLE.search(error.what):
                    raise
                return False
            return True

        until(taken, f"{text} is taken")

    # what came of it

    def lines(self, channel: str = "local") -> list[dict[str, Any]]:
        """Every line that was read."""
        return [json.loads(row["line"]) for row in rows_of(str(self._read)) if row["channel"] == channel]

    def replies(self, text: str, channel: str = "local") -> int:
        """How many answers to that message were read."""
        wanted = f"You wrote: {text}"
        return sum(one.get("text", "").rpartition("\n\n")[2] == wanted for one in self.lines(channel))

    def prompts(self, text: str) -> int:
        """How many prompts of the conversation are that message; a continuation is not."""
        rows = [row for row in rows_of(str(self._ledger)) if row["what"] == "committed"]
        return sum(f"] {text} [end-" in row["prompt"] and _CONTINUED not in row["prompt"] for row in rows)

    def happened(self, what: str) -> int:
        """How often the double did that: began, asked, committed, answered, told."""
        return sum(row["what"] == what for row in rows_of(str(self._ledger)))

    def state(self, text: str) -> str:
        """The state of a message in the journal; empty when it is not there."""
        rows = self.sql("SELECT state FROM inbox WHERE text = ?", text)
        return str(rows[0][0]) if rows else ""

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the journal says."""
        if self.inside:
            argv = [*self.inside, sys.executable, "-c", _SQL, str(self.paths.journal), query, json.dumps(values)]
            said = subprocess.run(argv, capture_output=True, check=True)
            return [tuple(row) for row in json.loads(said.stdout)]
        with closing(sqlite3.connect(f"{self.paths.journal.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(query, values).fetchall()

    def answered(self, *texts: str) -> None:
        """Wait until each has its answer."""
        for text in texts:
            until(lambda text=text: self.replies(text), f"the answer to {text} is read\n{self.rig.logs()}")  # type: ignore[misc]

    def all_once(self) -> None:
        """Everything that was sent was one prompt and had one answer; a last message shows that no second one comes."""
        fence = f"fence {len(self.sent)}"
        self.send(fence)
        self.answered(*self.sent)
        until(
            lambda: not self.sql("SELECT 1 FROM outbox WHERE delivered_at IS NULL AND channel != 'report'"),
            "every reply is marked",
        )
        until(lambda: all(map(self.prompts, self.sent)), "every prompt is in the ledger")
        assert {text: self.replies(text) for text in self.sent} == dict.fromkeys(self.sent, 1)
        assert {text: self.prompts(text) for text in self.sent} == dict.fromkeys(self.sent, 1)
        assert self.sql("SELECT DISTINCT state FROM inbox") == [("done",)]

    # processes

    @property
    def daemon(self) -> int:
        return self.launched if self.inside else int(self.paths.lock.read_text())

    @property
    def launched(self) -> int:
        """The daemon that is our child."""
        return self._launched[-1].pid

    def tmux(self) -> int:
        return int(self.rig.tmux(NAME, "display-message", "-p", "#{pid}"))

    def claude(self) -> int:
        return int(self.rig.tmux(NAME, "display-message", "-p", "-t", f"=ccmux-{NAME}:", "#{pane_pid}"))

    def kill_daemon(self) -> None:
        pid = self.daemon
        self.rig.kill_daemon(NAME)
        for started in self._launched:
            if started.pid == pid:
                started.wait()
        until(lambda: not alive(pid), "the daemon is dead")


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process is stopped while the context lasts."""
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", "it has stopped")
        yield
    finally:
        kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def hanging(sky: Sky) -> Iterator[None]:
    """Claude reads nothing and says nothing while the context lasts."""
    claude, still = sky.claude(), sky.weather / "still"
    os.kill(claude, signal.SIGUSR1)
    try:
        until(still.exists, "it stands still")
        yield
    finally:
        kill(claude, signal.SIGUSR2)


@contextlib.contextmanager
def room_of_its_own(sky: Sky, size: str) -> Iterator[Path]:
    """Start the daemon, and with it Claude, where `data/` is a small file system; its path as it is seen from outside.

    The mount stands in a name space of theirs and goes with them. Without root, they are root in a user name space.
    """
    alone = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    if subprocess.run([*alone, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False).returncode:
        pytest.skip("no name space of one's own may be made here (a full disk is shown by the other tests, too)")
    sky.paths.data.mkdir(exist_ok=True)
    daemon = [sys.executable, "-m", "ccmux", "run", NAME]
    sky.run_daemon([*alone, "sh", "-c", _ROOM, "sh", size, str(sky.paths.data), *daemon])
    pid = sky.launched
    user = ["-U", "--preserve-credentials"] if os.geteuid() else []
    sky.inside = ["nsenter", "-t", str(pid), *user, "-m"]
    yield Path(f"/proc/{pid}/root{sky.paths.data}")
