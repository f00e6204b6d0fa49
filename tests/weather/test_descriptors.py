"""The daemon may open no more files: nothing is lost, and it goes on when it may again."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import until
from tests.weather.sky import NAME, Sky


@contextlib.contextmanager
def no_more_files(pid: int, spare: int) -> Iterator[None]:
    """The process may have only so many descriptors more than it has: the next open(2) says EMFILE."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (_least(pid) + spare, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def _least(pid: int) -> int:
    """The lowest number of a descriptor that is free."""
    held = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    return min(set(range(len(held) + 1)) - held)


@pytest.mark.parametrize("spare", [0, 1, 3])
def test_the_daemon_has_no_more_descriptors(sky: Sky, spare: int) -> None:
    """With few to spare it fails elsewhere: at the client's socket, at Claude's files, at the pipes of a process."""
    sky.make(delay=0.3)
    sky.start()
    pid = sky.daemon
    sky.send("running")
    until(lambda: sky.happened("asked"), "its turn runs")
    with no_more_files(pid, spare):
        sender = sky.rig.popen("send", NAME, "sent")
        sky.write("written")
        until(lambda: sky.happened("told"), "the turn has ended")
        until(lambda: "Too many open files" in sky.rig.logs(), "the daemon has met it")
    _, said = sender.communicate(timeout=60)
    assert sender.returncode == 0, f"{said}\n{sky.rig.logs()}"
    sky.sent.append("sent")
    sky.write("written when all is well")
    sky.all_once()
    assert sky.daemon == pid


def test_a_fifo_that_could_not_be_opened_anew_is_read_again(sky: Sky) -> None:
    """When its last writer leaves, a FIFO is opened anew; without a descriptor there is nobody who reads it."""
    sky.make()
    sky.start()
    pid = sky.daemon
    with no_more_files(pid, 0):
        sky.try_write("written")
        until(lambda: "Too many open files" in sky.rig.logs(), "the daemon has met it")
        until(lambda: sky.state("written"), "it is in the journal")
        until(lambda: not _holds(pid, sky.paths.run / "in.local") or sky.replies("written"), "it is deaf, or goes on")
    sky.write("written when all is well")
    sky.all_once()
    assert sky.daemon == pid


def test_something_changes_where_the_fifos_are(sky: Sky) -> None:
    """A look into `run/` needs a descriptor."""
    sky.make()
    sky.start()
    pid = sky.daemon
    with no_more_files(pid, 0):
        os.mkfifo(sky.paths.run / "in.x", 0o600)
        until(lambda: "Too many open files" in sky.rig.logs(), "the daemon has met it")
    sky.unread()
    sky.read("x")
    sky.write("a new channel", "x")
    until(lambda: sky.replies("a new channel", "x"), f"it is answered there\n{sky.rig.logs()}")
    assert sky.daemon == pid


def _holds(pid: int, path: Path) -> bool:
    """Whether the process has the file open."""
    return any(os.path.realpath(fd) == str(path) for fd in Path(f"/proc/{pid}/fd").iterdir())
