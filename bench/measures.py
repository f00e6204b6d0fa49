"""The measurements, on the real tmux and the real Claude Code with the stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.table import Row
from ccmux.journal import inbox
from ccmux.journal.database import Database
from ccmux.model.ids import LOCAL, new_message_id
from ccmux.model.message import Message
from ccmux.standin import StandIn
from tests.rig import Rig, until

RUNS = 20
TEN = 10
TURN = 0.5
"""Seconds; a model that is not a stand-in takes longer."""
MS = 1000.0


@contextlib.contextmanager
def open_rig() -> Iterator[Rig]:
    claude = os.environ.get("CCMUX_CLAUDE") or shutil.which("claude")
    if claude is None:
        sys.exit("bench needs the real Claude Code: `make bench` installs it")
    home = Path(tempfile.mkdtemp(prefix="cb", dir="/tmp"))
    with StandIn() as standin:
        rig = Rig(home, standin, Path(claude).absolute())
        try:
            yield rig
        finally:
            rig.close()
            shutil.rmtree(home, ignore_errors=True)


def _ccmux(rig: Rig, *words: str) -> float:
    """Seconds of one whole `ccmux` process, started as its installed script."""
    script = Path(sys.executable).with_name("ccmux")
    start = time.perf_counter()
    subprocess.run([str(script), *words], env=rig.env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _bare(rig: Rig) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], env=rig.env, check=True)
    return time.perf_counter() - start


def _arrival(rig: Rig, text: str, act: Callable[[], None]) -> float:
    """Seconds from the act until the request with that text reaches the API."""
    start = time.monotonic()
    act()
    request = rig.standin.wait_for(lambda r: r.main and text in r.text, timeout=30)
    return request.monotonic - start


def submit() -> list[Row]:
    """A message in, until its API request leaves Claude; baseline: paste and Enter by hand, interleaved."""
    ours: list[float] = []
    raw: list[float] = []
    with open_rig() as rig:
        rig.new("a")
        fifo = rig.paths("a").run / "in.local"
        argv = ["tmux", "-S", str(rig.paths("a").run / "tmux.sock")]
        rig.ask("a", "warm")

        def paste(text: str) -> None:
            subprocess.run([*argv, "load-buffer", "-b", "raw", "-"], input=text, text=True, check=True)
            keys = [
                "paste-buffer",
                "-d",
                "-p",
                "-r",
                "-b",
                "raw",
                "-t",
                "=ccmux-a:",
                ";",
                "send-keys",
                "-t",
                "=ccmux-a:",
                "Enter",
            ]
            subprocess.run([*argv, *keys], check=True)

        def echo(text: str) -> None:
            with fifo.open("w") as file:
                file.write(f"{text}\n")

        def idle() -> bool:
            one = rig.status("a")
            return bool(one["state"] == "idle" and not one["queue"]["in_flight"])

        for number in range(RUNS):
            for values, act, text in ((raw, paste, f"raw-{number}"), (ours, echo, f"fifo-{number}")):
                until(idle, "idle")
                values.append(_arrival(rig, text, lambda act=act, text=text: act(text)) * MS)  # type: ignore[misc]
    row = Row("message in → API request leaves Claude", ours, "ms", "≤ 1.3 × raw", raw)
    return [judged(row, (row.ratio or 9) <= 1.3)]


def reply() -> list[Row]:
    """From the Stop hook's spool file to the reply line in a reader of out.local."""
    slow = Row(f"Stop hook on disk → line on out.local, turns of {TURN:g} s", _replies(TURN), "ms", "≤ 30 ms")
    fast = Row("the same, turns of no time at all (see below)", _replies(0), "ms", "–")
    return [judged(slow, slow.median <= 30), fast]


def _replies(delay: float) -> list[float]:
    values: list[float] = []
    with open_rig() as rig:
        rig.new("a")
        rig.standin.default({"text": "ok", "delay": delay})
        reader = subprocess.Popen(["cat", str(rig.paths("a").run / "out.local")], stdout=subprocess.PIPE)
        assert reader.stdout is not None
        spool = str(rig.paths("a").hook_spool)
        watch = [sys.executable, str(Path(__file__).with_name("stopwatch.py")), spool]
        watcher = subprocess.Popen(watch, stdout=subprocess.PIPE, text=True)
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "ready\n"
        for number in range(RUNS):
            rig.run("send", "a", f"n {number}")
            json.loads(reader.stdout.readline())
            read = time.time()
            watcher.stdout.readline()  # UserPromptSubmit
            values.append((read - float(watcher.stdout.readline())) * MS)
        for process in (watcher, reader):
            process.kill()
            process.communicate()
    return values


def send() -> list[Row]:
    with open_rig() as rig:
        rig.new("a")
        rig.standin.default({"text": "ok"})
        bare = [_bare(rig) * MS for _ in range(RUNS)]
        values = [_ccmux(rig, "send", "a", f"n {number}") * MS for number in range(RUNS)]
        until(lambda: rig.status("a")["queue"] == {"waiting": 0, "in_flight": 0, "dead": 0}, "all answered")
    row = Row("`ccmux send` returns (journalled), whole process", values, "ms", "≤ 60 ms", bare)
    return [judged(row, row.median <= 60)]


def ten() -> list[Row]:
    """Ten instances: `ls`, memory, idle CPU."""
    with open_rig() as rig:
        for number in range(TEN):
            rig.new(f"i{number}")
        bare = [_bare(rig) * MS for _ in range(RUNS)]
        values = [_ccmux(rig, "ls") * MS for _ in range(RUNS)]
        pids = [rig.status(f"i{number}")["daemon"]["pid"] for number in range(TEN)]
        memory = [pss_of(pid) for pid in pids]
        keepers = [pss_of(int(rig.paths(f"i{number}").keeper_lock.read_text())) for number in range(TEN)]
        before, start = sum(map(cpu_of, pids)), time.monotonic()
        time.sleep(20)
        load = (sum(map(cpu_of, pids)) - before) / (time.monotonic() - start) * 100
    listing = Row("`ccmux ls`, ten instances, whole process", values, "ms", "≤ 80 ms, ≤ 4 × bare python", bare)
    pss = Row("daemon memory (PSS), each of ten", memory, "MB", "≤ 20 MB")
    keeper = Row("its keeper (PSS), where no manager of services is used", keepers, "MB", "–")
    cpu = Row("daemon CPU idle, ten together, 20 s", [load], "% of a core", "≤ 0.3 %")
    return [
        judged(listing, listing.median <= 80 and (listing.ratio or 9) <= 4),
        judged(pss, pss.median <= 20),
        keeper,
        judged(cpu, load <= 0.3),
    ]


def pss_of(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(pid)


def cpu_of(pid: int) -> float:
    """CPU seconds used so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def new() -> list[Row]:
    """`ccmux new` until ready; baseline: tmux with claude in it until its registry says idle."""
    ours: list[float] = []
    raw: list[float] = []
    with open_rig() as rig:
        for number in range(8):
            start = time.perf_counter()
            rig.new(f"n{number}")
            ours.append(time.perf_counter() - start)
            rig.run("stop", f"n{number}")
            raw.append(_raw_start(rig, f"n{number}"))
    extra = [a - b for a, b in zip(ours, raw, strict=True)]
    row = Row("`ccmux new` → ready", ours, "s", "raw + 0.5 s", raw)
    return [judged(row, sorted(extra)[len(extra) // 2] <= 0.5)]


def _raw_start(rig: Rig, name: str) -> float:
    """Start the same launch script in a plain tmux, in the same prepared configuration, until Claude is idle."""
    paths = rig.paths(name)
    socket = str(rig.home / "raw.sock")
    sessions = paths.claude / "sessions"
    argv = ["tmux", "-S", socket, "-f", "/dev/null"]
    env = {key: rig.env[key] for key in ("HOME", "PATH", "LANG")}
    start = time.perf_counter()
    command = ["new-session", "-d", "-s", "raw", "-x", "160", "-y", "45", "/bin/sh", str(paths.launch_script)]
    subprocess.run([*argv, *command], env=env, check=True)
    until(lambda: any('"status":"idle"' in file.read_text() for file in sessions.glob("*.json")), "raw claude idle")
    taken = time.perf_counter() - start
    subprocess.run([*argv, "kill-server"], env=env, check=True)
    until(lambda: not list(sessions.glob("*.json")), "raw claude ended")
    return taken


def hook() -> list[Row]:
    with tempfile.TemporaryDirectory() as spool:
        entry = str(Path(__file__).parent.parent / "ccmux" / "hooks" / "entry.py")
        payload = json.dumps({"hook_event_name": "Stop", "last_assistant_message": "x" * 2000}).encode()

        def one(argv: list[str]) -> float:
            start = time.perf_counter()
            subprocess.run(argv, input=payload, check=True)
            return (time.perf_counter() - start) * MS

        values, bare = [], []
        for _ in range(2 * RUNS):
            bare.append(one([sys.executable, "-c", "pass"]))
            values.append(one([sys.executable, "-I", "-S", entry, spool]))
    row = Row("one hook process (with fsync)", values, "ms", "≤ 2 × bare python", bare)
    return [judged(row, (row.ratio or 9) <= 2)]


def journal() -> list[Row]:
    """Messages acknowledged per second with synchronous=FULL, put concurrently."""

    async def run(directory: str) -> list[float]:
        db = Database(Path(directory) / "journal.db")
        rates = []
        for _ in range(5):
            batch = [Message(new_message_id(), LOCAL, "bench", "x" * 200, time.time()) for _ in range(2000)]
            start = time.perf_counter()
            await asyncio.gather(*(db.run(lambda c, m=m: inbox.put(c, m)) for m in batch))  # type: ignore[misc]
            rates.append(len(batch) / (time.perf_counter() - start))
        await db.close()
        return rates

    with tempfile.TemporaryDirectory(dir=Path.home()) as directory:
        row = Row("journal: acknowledged messages per second", asyncio.run(run(directory)), "/s", "≥ 2,000")
    return [judged(row, row.median >= 2000)]


def judged(row: Row, met: bool) -> Row:
    return Row(row.what, row.values, row.unit, row.target, row.baseline, met)


ALL: dict[str, Callable[[], list[Row]]] = {
    "submit": submit,
    "reply": reply,
    "send": send,
    "new": new,
    "ten": ten,
    "hook": hook,
    "journal": journal,
}
