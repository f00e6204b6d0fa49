"""A hook ends at once and with 0 whatever became of the daemon: Claude waits for it. (More of it: tests/hooks.)"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ccmux.hooks import entry, spool
from tests.rig import until
from tests.weather.sky import Sky, stopped

ARGV = [sys.executable, "-I", "-S", entry.__file__]
ENDS_WITHIN = 1.5
"""Seconds; the best of a few tries counts, for the machine may be busy."""


def ended(*words: str, tries: int = 3) -> None:
    """Run the hook; it must end in time, with 0."""
    needed = []
    for _ in range(tries):
        began = time.monotonic()
        done = subprocess.run([*ARGV, *words], input=b"{}", capture_output=True, check=False, timeout=60)
        needed.append(time.monotonic() - began)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
        if needed[-1] < ENDS_WITHIN:
            return
    pytest.fail(f"it took {min(needed):.1f} s")


def _fill(path: Path, stack: ExitStack) -> int:
    """Connect until nobody more may wait; how many do."""
    for number in range(10_000):
        client = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        client.setblocking(False)
        try:
            client.connect(str(path))
        except BlockingIOError:
            return number
    return 10_000


def test_the_daemon_hangs_and_its_socket_is_full(sky: Sky) -> None:
    """Afterwards everything that was left is found: the turn that ran is answered."""
    sky.make(delay=0.3)
    sky.start()
    sky.send("running")
    until(lambda: sky.happened("asked"), "its turn runs")
    with stopped(sky.daemon), ExitStack() as stack:
        assert _fill(sky.paths.control_socket, stack) > 0
        ended(str(sky.paths.hook_spool))
        ended("--gate", str(sky.paths.gate))
        until(lambda: sky.happened("told"), "Claude was not held up")
    sky.write("written")
    until(lambda: sky.state("written"), "it goes on, and has heard those who waited")
    sky.all_once()


HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print(1, flush=True)
time.sleep(600)
"""


@pytest.fixture
def held_gate(tmp_path: Path) -> Iterator[Path]:
    """A gate whose holder hangs."""
    gate = tmp_path / "gate"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(gate)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"1\n"
            holder.send_signal(signal.SIGSTOP)
            yield gate
        finally:
            holder.kill()


def test_a_daemon_that_hangs_with_the_gate_in_its_hand(held_gate: Path) -> None:
    os.utime(held_gate, (0, 0))
    with held_gate.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ended("--gate", str(held_gate))
    assert held_gate.stat().st_mtime > 0, "the tool has passed, and left its time"


@pytest.mark.parametrize("kind", ["missing", "directory", "dangling", "pipe", "no directory"])
def test_a_gate_that_is_none(tmp_path: Path, kind: str) -> None:
    gate = tmp_path / ("none/gate" if kind == "no directory" else "gate")
    if kind == "directory":
        gate.mkdir()
    elif kind == "dangling":
        gate.symlink_to(tmp_path / "none")
    elif kind == "pipe":
        os.mkfifo(gate)
    ended("--gate", str(gate))


def no_byte() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_a_disk_on_which_not_even_the_error_can_be_written(tmp_path: Path) -> None:
    place = tmp_path / "hooks"
    place.mkdir()
    with (tmp_path / "err").open("wb") as err:
        argv = [*ARGV, str(place)]
        done = subprocess.run(argv, input=b"x" * 50_000, stderr=err, check=False, preexec_fn=no_byte, timeout=60)
    assert done.returncode == 0
    assert list(spool.pending(place)) == []
    assert list(place.iterdir()) == []


def test_a_full_file_system(tmp_path: Path) -> None:
    """/dev/full for the error, a spool that is gone for the payload."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*ARGV, str(tmp_path / "none")], input=b"{}", stderr=full, check=False, timeout=60)
    assert done.returncode == 0
