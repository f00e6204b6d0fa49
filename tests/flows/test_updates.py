"""A Claude Code that was replaced under its instances: tried once, taken up with the same conversation, or left alone."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from ccmux.daemon.updates import Updates
from tests.rig import Rig, until

pytestmark = pytest.mark.real

WRAPPER = '#!/bin/sh\nexec {real} "$@"\n'
BROKEN_ONCE = '#!/bin/sh\nif mkdir {mark} 2>/dev/null; then echo no version; exit; fi\nexec {real} "$@"\n'
BROKEN = "#!/bin/sh\necho no version\n"


def replaced(rig: Rig, text: str) -> Path:
    """The program `claude` of the rig, replaced as an update does: another file under the same name."""
    binary = rig.home / "bin" / "claude"
    new = binary.with_name("claude.new")
    new.write_text(text)
    new.chmod(0o755)
    new.replace(binary)
    return binary


class Fleet:
    """Updates of one instance, whose driver is asked instead of acting."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.asked: list[str] = []
        self._updates = Updates(rig.paths(name), rig.home / "shared", self.asked.append, lambda: True)

    def look(self) -> None:
        asyncio.run(self._updates.look())


def test_a_new_program_is_tried_once_for_all_and_taken_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", rig.env["PYTHONPATH"])
    rig.new("a")
    rig.new("b")
    a, b = Fleet(rig, "a"), Fleet(rig, "b")
    a.look()
    assert a.asked == []
    real = os.path.realpath(rig.home / "bin" / "claude")
    replaced(rig, WRAPPER.format(real=real))
    assert rig.status("a")["drift"] == ["claude"]
    a.look()
    (tried,) = (rig.home / "shared").glob("probed-*")
    assert tried.read_text() == ""
    before = tried.stat().st_mtime_ns
    b.look()
    assert (a.asked, b.asked) == (["Claude Code was updated"], ["Claude Code was updated"])
    assert tried.stat().st_mtime_ns == before
    session = rig.status("a")["session_id"]
    rig.ask("a", "remember me")
    rig.run("restart", "a", "--session")
    until(lambda: rig.status("a")["drift"] == [], "the new program runs")
    assert rig.status("a")["session_id"] == session


def test_a_new_program_that_does_not_hold_is_left_alone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", rig.env["PYTHONPATH"])
    rig.new("a")
    pid = rig.status("a")["claude"]["pid"]
    replaced(rig, BROKEN)
    fleet = Fleet(rig, "a")
    for _ in range(2):
        fleet.look()
    assert fleet.asked == []
    (tried,) = (rig.home / "shared").glob("probed-*")
    assert "the probe failed" in tried.read_text()
    assert rig.status("a")["claude"]["pid"] == pid
    assert rig.ask("a", "still there?") == "You wrote: still there?"


def test_a_failure_counts_when_it_comes_twice_and_is_remembered_for_a_day(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", rig.env["PYTHONPATH"])
    rig.new("a")
    real = os.path.realpath(rig.home / "bin" / "claude")
    counted = rig.home / "tries"
    replaced(rig, f"#!/bin/sh\necho >>{counted}\necho no version\n")
    a, b = Fleet(rig, "a"), Fleet(rig, "a")
    a.look()
    tries = len(counted.read_text())
    b.look()
    a.look()
    assert len(counted.read_text()) == tries >= 2
    (tried,) = (rig.home / "shared").glob("probed-*")
    os.utime(tried, (time.time() - 86_500, time.time() - 86_500))
    a.look()
    assert len(counted.read_text()) == 2 * tries
    assert a.asked == b.asked == []
    replaced(rig, BROKEN_ONCE.format(real=real, mark=rig.home / "mark"))
    a.look()
    assert a.asked == ["Claude Code was updated"]
