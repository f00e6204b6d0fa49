"""What the dashboard costs: fifty instances that report all the time, and fifty that do nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pexpect

from bench.measures import judged
from bench.table import Row

MANY = 50
RATE = 10
SECONDS = 20.0
BUSY, IDLE = 20.0, 0.5
"""Percent of a core, at most."""


def dashboard() -> list[Row]:
    """In a terminal of 160 x 60, on daemons that only speak (bench/chatter.py)."""
    home = Path(tempfile.mkdtemp(prefix="cb", dir="/tmp"))
    env = os.environ | {"HOME": str(home), "CCMUX_HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    argv = [sys.executable, "-m", "bench.chatter", str(home), str(MANY)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as chatter:
        try:
            assert chatter.stdout is not None
            assert chatter.stdin is not None
            chatter.stdout.readline()
            began = time.perf_counter()
            person = pexpect.spawn(
                sys.executable,
                ["-m", "ccmux", "dashboard"],
                env=env,
                dimensions=(60, 160),
                timeout=30,
                encoding="utf-8",
            )
            person.expect("project-30")
            first = time.perf_counter() - began
            pid = person.pid
            assert pid is not None
            reader = threading.Thread(target=_drain, args=(person,), daemon=True)
            reader.start()
            time.sleep(5)
            idle = _cpu(pid)
            _tell(chatter, f"reports {RATE}")
            time.sleep(3)
            busy = _cpu(pid)
            _tell(chatter, "quiet")
            person.close(force=True)
        finally:
            chatter.kill()
            shutil.rmtree(home, ignore_errors=True)
    quiet = Row(f"dashboard CPU, fifty idle instances, {SECONDS:.0f} s", [idle], "% of a core", f"≤ {IDLE} %")
    loud = Row(f"the same, {RATE} reports and changes of state a second", [busy], "% of a core", f"≤ {BUSY:.0f} %")
    drawn = Row("`ccmux dashboard` → fifty instances are drawn", [first], "s", "")
    return [drawn, judged(quiet, idle <= IDLE), judged(loud, busy <= BUSY)]


def _tell(chatter: subprocess.Popen[str], words: str) -> None:
    assert chatter.stdin is not None
    assert chatter.stdout is not None
    chatter.stdin.write(words + "\n")
    chatter.stdin.flush()
    chatter.stdout.readline()


def _drain(person: Any) -> None:  # noqa: ANN401 - pexpect has no types for it
    """A terminal reads what it is sent."""
    try:
        while True:
            person.read_nonblocking(65536, timeout=None)
    except (pexpect.EOF, OSError, ValueError):
        return


def _cpu(pid: int) -> float:
    """Percent of a core that the process takes, with its threads."""
    before, began = _ticks(pid), time.monotonic()
    time.sleep(SECONDS)
    return 100 * (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
