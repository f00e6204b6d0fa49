"""`run/` is wiped under a living instance: there is one daemon and one Claude before, and the same Claude after."""

from __future__ import annotations

import shutil
import signal
from typing import Any

import pytest

from tests.rig import Rig, alive, kill, until

pytestmark = pytest.mark.real


def wipe(rig: Rig) -> None:
    """At one stroke: a living daemon makes a FIFO again whenever it needs it."""
    aside = rig.home / "wiped"
    rig.paths("a").run.rename(aside)
    shutil.rmtree(aside)


def orphaned(rig: Rig) -> dict[str, Any]:
    """An instance whose daemon was killed and whose `run/` was wiped; as it was before."""
    rig.new("a")
    before = rig.status("a")
    rig.kill_daemon("a")
    wipe(rig)
    return before


def answering(rig: Rig) -> bool:
    return bool(rig.paths("a").control_socket.exists()) and rig.status("a")["state"] == "idle"


def test_the_daemon_begins_anew_and_finds_its_claude(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "before")
    before = rig.status("a")
    wipe(rig)
    until(lambda: answering(rig), "it answers again")
    after = rig.status("a")
    assert after["claude"]["pid"] == before["claude"]["pid"]
    assert after["session_id"] == before["session_id"]
    assert rig.ask("a", "after") == "You wrote: after"
    assert "wiped" in rig.run("logs", "a")


def test_a_new_daemon_finds_the_claude_of_a_wiped_directory(rig: Rig) -> None:
    before = orphaned(rig)
    rig.run("start", "a")
    assert rig.wait_state("a", "idle")["claude"]["pid"] == before["claude"]["pid"]
    assert rig.ask("a", "still there?") == "You wrote: still there?"


def test_a_second_daemon_is_refused_also_when_run_was_wiped(rig: Rig) -> None:
    rig.new("a")
    pid = rig.status("a")["daemon"]["pid"]
    kill(pid, signal.SIGSTOP)
    wipe(rig)
    rig.paths("a").run.mkdir(mode=0o700)
    rig.run("run", "a", code=75)
    kill(pid, signal.SIGCONT)
    until(lambda: answering(rig), "the first goes on")
    assert rig.status("a")["daemon"]["pid"] == pid


def test_stop_ends_a_claude_whose_socket_was_wiped(rig: Rig) -> None:
    before = orphaned(rig)
    rig.run("stop", "a")
    until(lambda: not alive(before["claude"]["pid"]), "Claude has ended")
