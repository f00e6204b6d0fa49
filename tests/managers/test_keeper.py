"""Without a manager of services: a killed daemon is back by itself, until it ends by order or cannot run as things are."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmux.locks import held
from ccmux.managers import detached
from ccmux.managers.detached import Detached
from tests.rig import Rig, alive, kill, until

TICKS = os.sysconf("SC_CLK_TCK")


def _keeper(rig: Rig) -> int:
    """Its pid; 0 when there is none."""
    lock = rig.paths("a").keeper_lock
    return int(lock.read_text()) if held(lock) else 0


def _daemon(rig: Rig, other_than: int = 0) -> int:
    """The pid of a daemon that holds the instance, another than that one. Nobody is asked: nothing helps it to its life."""
    lock = rig.paths("a").lock

    def found() -> int:
        text = lock.read_text().strip() if held(lock) else ""
        return int(text) if text and int(text) != other_than else 0

    return until(found, "there is a daemon")


def _keepers(rig: Rig) -> list[int]:
    """All of this home's, by their command line and environment."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            mine = b"ccmux.managers.keeper\0a\0" in (process / "cmdline").read_bytes()
            if (
                mine
                and f"CCMUX_HOME={rig.home}\0".encode() in (process / "environ").read_bytes()
                and alive(int(process.name))
            ):
                found.append(int(process.name))
        except (OSError, ValueError):
            continue
    return found


def _born(pid: int) -> float:
    """When the process began, on the clock of the kernel."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]) / TICKS


def _kill(pid: int) -> float:
    """Kill that daemon; when."""
    at = time.clock_gettime(time.CLOCK_BOOTTIME)
    kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), "it is dead")
    return at


def _resting(rig: Rig) -> int:
    """Have the keeper rest for 4 s; its pid."""
    daemon = _daemon(rig)
    for _ in range(2):
        _kill(daemon)
        daemon = _daemon(rig, daemon)
    _kill(daemon)
    # A process that it was just starting holds the lock until it has become another program.
    until(lambda: not held(rig.paths("a").lock), "nobody holds the lock")
    return _keeper(rig)


def _pss(pid: int) -> int:
    """Kilobytes of memory that count for this process, its share of what it shares included."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def test_a_killed_daemon_is_back_after_growing_pauses(double: Rig) -> None:
    claude = double.new("a")["claude"]["pid"]
    keeper, daemon = _keeper(double), _daemon(double)
    pauses = []
    for _ in range(3):
        killed = _kill(daemon)
        daemon = _daemon(double, daemon)
        pauses.append(_born(daemon) - killed)
    assert all(pause > least - 2 / TICKS for pause, least in zip(pauses, (1, 2, 4), strict=True)), pauses
    assert double.ask("a", "hi") == "You wrote: hi"
    assert double.status("a")["claude"]["pid"] == claude
    assert [_keeper(double)] == _keepers(double) == [keeper]


def test_the_keeper_ends_with_a_daemon_that_ends_by_order(double: Rig) -> None:
    double.new("a")
    keeper = _keeper(double)
    double.run("stop", "a")
    assert not alive(keeper)
    assert not held(double.paths("a").keeper_lock)
    assert _keepers(double) == []


def test_the_keeper_ends_with_wrong_configuration(double: Rig) -> None:
    double.new("a")
    keeper, config = _keeper(double), double.paths("a").config
    right = config.read_text()
    config.write_text(right + "\nnonsense = 1\n")
    _kill(_daemon(double))
    until(lambda: not alive(keeper), "the keeper ended")
    assert "no such key" in double.paths("a").last_word.read_text()
    assert "no such key" in double.status("a")["reason"]
    double.run("start", "a", code=2)
    config.write_text(right)
    double.run("start", "a")
    assert double.ask("a", "hi") == "You wrote: hi"
    assert _keeper(double) != keeper


def test_a_keeper_that_is_told_to_end_ends_its_daemon_and_leaves_claude(double: Rig) -> None:
    claude = double.new("a")["claude"]["pid"]
    keeper, daemon = _keeper(double), _daemon(double)
    kill(keeper, signal.SIGTERM)
    until(lambda: not alive(keeper) and not alive(daemon), "both ended")
    assert "signal SIGTERM" in double.paths("a").daemon_log.read_text()
    assert alive(claude)
    double.run("start", "a")
    assert double.status("a")["claude"]["pid"] == claude


def test_a_daemon_that_cannot_start_is_told_and_not_tried_again(double: Rig) -> None:
    double.new("a")
    double.run("stop", "a")
    journal = double.paths("a").journal
    journal.unlink()
    journal.mkdir()
    double.run("start", "a", code=1)
    assert "ended at its start" in double.stderr
    assert str(journal) in double.stderr
    assert _keepers(double) == []


def test_of_two_starts_at_once_one_starts_it(double: Rig) -> None:
    double.new("a")
    double.run("stop", "a")
    both = [double.popen("start", "a") for _ in range(2)]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert double.ask("a", "hi") == "You wrote: hi"
    until(lambda: len(_keepers(double)) == 1, "one keeper is left")
    assert _keepers(double) == [_keeper(double)]


def test_a_stop_while_the_keeper_rests(double: Rig) -> None:
    claude = double.new("a")["claude"]["pid"]
    keeper = _resting(double)
    assert "a: stopped" in double.run("stop", "a")
    assert not alive(keeper)
    assert not alive(claude)
    assert not held(double.paths("a").lock)
    assert "was not running" in double.run("stop", "a")


def test_a_start_while_the_keeper_rests_wakes_it(double: Rig) -> None:
    double.new("a")
    keeper = _resting(double)
    assert "a: started" in double.run("start", "a")
    assert _keepers(double) == [_keeper(double)] == [keeper]
    assert double.ask("a", "hi") == "You wrote: hi"


def test_a_restart_while_the_keeper_rests_takes_another(double: Rig) -> None:
    claude = double.new("a")["claude"]["pid"]
    keeper = _resting(double)
    double.run("restart", "a")
    assert not alive(keeper)
    assert _keepers(double) == [_keeper(double)]
    assert double.status("a")["claude"]["pid"] == claude


def test_a_killed_keeper_leaves_daemon_and_claude_alone(double: Rig) -> None:
    claude = double.new("a")["claude"]["pid"]
    keeper, daemon = _keeper(double), _daemon(double)
    kill(keeper, signal.SIGKILL)
    until(lambda: not alive(keeper), "it is dead")
    assert double.ask("a", "one") == "You wrote: one"
    assert "runs already" in double.run("start", "a")
    assert _daemon(double) == daemon
    until(lambda: held(double.paths("a").keeper_lock), "a start gives it a keeper again")
    _kill(daemon)
    daemon = _daemon(double, daemon)
    kill(_keeper(double), signal.SIGKILL)
    until(lambda: not held(double.paths("a").keeper_lock), "it is dead again")
    double.run("start", "a")
    until(lambda: held(double.paths("a").keeper_lock), "another waits for the daemon's end")
    double.run("stop", "a")
    until(lambda: not held(double.paths("a").keeper_lock), "it ends with it")
    assert double.status("a")["state"] == "stopped"
    claude = double.new("a")["claude"]["pid"]
    daemon = _daemon(double)
    double.run("restart", "a")
    assert _daemon(double) != daemon
    assert _keepers(double) == [_keeper(double)]
    assert double.status("a")["claude"]["pid"] == claude
    assert double.ask("a", "two") == "You wrote: two"
    kill(_keeper(double), signal.SIGKILL)
    until(lambda: not held(double.paths("a").keeper_lock), "it is dead, too")
    daemon = _daemon(double)
    assert "a: stopped" in double.run("stop", "a")
    assert not any(map(alive, (daemon, claude)))


def test_a_keeper_and_a_daemon_that_do_not_listen_are_ended_all_the_same(
    double: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.new("a")
    keeper, daemon = _keeper(double), _daemon(double)
    for pid in (keeper, daemon):
        kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(detached, "STOPS_WITHIN", 1.0)  # its patience, not what it does
    assert detached.end_daemon(double.paths("a"))
    until(lambda: not alive(keeper) and not alive(daemon), "both are dead")
    assert not detached.end_daemon(double.paths("a"))


def test_units_of_the_detached_are_the_daemon(double: Rig) -> None:
    double.new("a", "--no-start")
    (unit,) = Detached().units(double.paths("a"))
    assert (unit.name, unit.state) == ("daemon of a", "stopped")
    double.run("start", "a")
    assert [unit.state for unit in Detached().units(double.paths("a"))] == ["running"]


def test_the_keeper_is_small(double: Rig, record_property: Callable[[str, object], None]) -> None:
    double.new("a")
    keeper, daemon = _pss(_keeper(double)), _pss(_daemon(double))
    record_property("keeper_pss_kb", keeper)
    record_property("daemon_pss_kb", daemon)
    assert keeper < daemon / 2
