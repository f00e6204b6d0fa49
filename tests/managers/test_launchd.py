"""The jobs as launchd would run them: a double of launchd runs what the plists say, and nothing of this test's environment."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.managers import mac as macs
from tests.managers.mac import Mac
from tests.rig import alive, kill, until


def _installed(mac: Mac) -> None:
    said = mac.run("service", "install")
    assert "the services start at your login" in said


def _pids(mac: Mac, name: str = "a") -> tuple[int, int, int]:
    """Of daemon, tmux server, Claude; each is there."""
    mac.wait_state(name, "idle")
    told = mac.status(name)
    return told["daemon"]["pid"], mac.job(name, "session")["pid"], told["claude"]["pid"]


def _settled(mac: Mac, claude: int = 0) -> None:
    """It is idle, with another Claude than that one."""
    until(
        lambda: (told := mac.status("a"))["state"] == "idle" and told["claude"]["pid"] not in (0, claude), "it is idle"
    )


def _whole_life(mac: Mac) -> None:
    _installed(mac)
    session_id = mac.new("a")["session_id"]
    assert mac.loaded() == ["com.ccmux.a.daemon", "com.ccmux.a.session"]
    assert mac.ask("a", "one") == "You wrote: one"
    daemon, tmux, claude = _pids(mac)
    assert mac.job("a", "daemon")["pid"] == daemon
    assert int(mac.tmux("a", "display-message", "-p", "#{pid}")) == tmux
    assert os.getpgid(tmux) == tmux != os.getpgid(daemon) == daemon

    kill(daemon, signal.SIGKILL)
    until(lambda: mac.job("a", "daemon").get("pid") not in (0, None, daemon), "launchd started another daemon")
    _settled(mac)
    assert mac.ask("a", "two") == "You wrote: two"
    assert _pids(mac)[1:] == (tmux, claude)

    mac.run("restart", "a")
    assert mac.ask("a", "three") == "You wrote: three"
    assert _pids(mac)[1:] == (tmux, claude)
    assert ["kickstart", "-k", f"gui/{os.getuid()}/com.ccmux.a.daemon"] in macs.calls(mac.state)

    kill(tmux, signal.SIGKILL)
    until(lambda: not alive(claude), "Claude went with its terminal")
    _settled(mac, claude)
    assert mac.ask("a", "four") == "You wrote: four"
    assert mac.status("a")["session_id"] == session_id
    daemon, tmux, claude = _pids(mac)

    mac.run("stop", "a")
    assert mac.loaded() == []
    assert not any(map(alive, (daemon, tmux, claude)))
    assert not mac.paths("a").tmux_socket.exists()
    until(lambda: not mac.left(), "nothing is left")
    assert "daemon ended" in mac.paths("a").daemon_log.read_text()
    mac.run("start", "a")
    assert mac.ask("a", "five") == "You wrote: five"
    assert mac.status("a")["session_id"] == session_id
    mac.run("rm", "a", "--purge")
    assert mac.loaded() == []
    until(lambda: not mac.left(), "nothing is left")
    assert list(mac.agents.iterdir()) == []


def test_the_whole_life_of_an_instance(fast_mac: Mac) -> None:
    _whole_life(fast_mac)


@pytest.mark.real
def test_the_whole_life_of_an_instance_of_the_real_claude(mac: Mac) -> None:
    _whole_life(mac)


def test_the_environment_of_the_jobs_is_the_plists(fast_mac: Mac) -> None:
    _installed(fast_mac)
    fast_mac.new("a")
    daemon, tmux, _ = _pids(fast_mac)
    names = {entry.partition(b"=")[0] for entry in Path(f"/proc/{daemon}/environ").read_bytes().split(b"\0")} - {b""}
    assert names == {b"CCMUX_HOME", b"HOME", b"LANG", b"LOGNAME", b"PATH", b"USER"}
    for pid in (daemon, tmux):
        status = Path(f"/proc/{pid}/status").read_text()
        assert "Umask:\t0077" in status
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3] == "8192"
    logs = fast_mac.home / "Library" / "Logs" / "ccmux"
    assert sorted(path.name for path in logs.iterdir()) == ["a.daemon.log", "a.session.log"]


def test_what_ran_is_taken_over_with_its_claude_and_given_back(fast_mac: Mac) -> None:
    before = fast_mac.new("a")["claude"]["pid"]
    keeper = int(fast_mac.paths("a").keeper_lock.read_text())
    said = fast_mac.run("service", "install")
    assert "a: its daemon runs as a service now, its Claude goes on" in said
    assert not alive(keeper)
    assert _pids(fast_mac)[2] == before
    assert "runs as a service already" in fast_mac.run("service", "install")
    assert fast_mac.ask("a", "hi") == "You wrote: hi"

    # the server of before goes on as it is; when it has ended, the job's takes its place
    session_id = fast_mac.status("a")["session_id"]
    old = int(fast_mac.tmux("a", "display-message", "-p", "#{pid}"))
    assert old != fast_mac.job("a", "session")["pid"]
    kill(old, signal.SIGKILL)
    _settled(fast_mac, before)
    assert fast_mac.ask("a", "ho") == "You wrote: ho"
    assert int(fast_mac.tmux("a", "display-message", "-p", "#{pid}")) == fast_mac.job("a", "session")["pid"]

    said = fast_mac.run("service", "uninstall")
    assert "a: started again without a service" in said
    assert fast_mac.loaded() == []
    assert list(fast_mac.agents.iterdir()) == []
    assert fast_mac.ask("a", "ha") == "You wrote: ha"
    assert fast_mac.status("a")["session_id"] == session_id
    assert "no services are installed" in fast_mac.run("service", "uninstall")


def test_status_and_render(fast_mac: Mac) -> None:
    assert fast_mac.json("service", "status")["manager"] == "detached"
    fast_mac.new("a", "--no-start")
    shown = fast_mac.run("service", "render")
    assert f"# {fast_mac.agents}/com.ccmux.a.daemon.plist" in shown
    assert not fast_mac.agents.exists()
    fast_mac.run("service", "render", "--to", str(fast_mac.home / "there"))
    assert len(list((fast_mac.home / "there").glob("com.ccmux.a.*.plist"))) == 2
    assert "a: starts at the next boot" in fast_mac.run("service", "install")
    told = fast_mac.json("service", "status")
    assert (told["manager"], told["flavour"]) == ("launchd", "user")
    assert [file["state"] for file in told["files"]] == ["current"] * 3
    assert [unit["state"] for unit in told["units"]] == ["stopped", "stopped"]
    assert [unit["at_boot"] for unit in told["units"]] == [True, True]
    fast_mac.run("up")
    assert [unit["state"] for unit in fast_mac.json("service", "status")["units"]] == ["running", "running"]
    (fast_mac.agents / "com.ccmux.a.daemon.plist").write_text("edited")
    assert "differs" in fast_mac.run("service", "status")
    fast_mac.run("down")
    assert fast_mac.loaded() == []


def test_wrong_configuration_does_not_loop(fast_mac: Mac) -> None:
    """launchd has no exit code for `do not try again`."""
    _installed(fast_mac)
    fast_mac.new("a")
    paths = fast_mac.paths("a")
    claude = _pids(fast_mac)[2]
    right = paths.config.read_text()
    paths.config.write_text(right + "\nnonsense = 1\n")
    kill(fast_mac.job("a", "daemon")["pid"], signal.SIGKILL)
    until(lambda: paths.last_word.exists(), "the next daemon says what is wrong")
    runs = fast_mac.job("a", "daemon")["runs"]
    assert "no such key" in fast_mac.status("a")["reason"]
    assert "waits until" in paths.daemon_log.read_text()
    fast_mac.run("start", "a", code=2)
    assert "no such key" in fast_mac.stderr
    paths.config.write_text(right)
    fast_mac.wait_state("a", "idle")
    assert fast_mac.ask("a", "hi") == "You wrote: hi"
    assert fast_mac.job("a", "daemon")["runs"] == runs
    assert not paths.last_word.exists()
    assert _pids(fast_mac)[2] == claude


def test_a_stop_while_the_daemon_waits_for_its_configuration(fast_mac: Mac) -> None:
    _installed(fast_mac)
    fast_mac.new("a")
    paths = fast_mac.paths("a")
    right = paths.config.read_text()
    pids = _pids(fast_mac)
    paths.config.write_text(right + "\nnonsense = 1\n")
    kill(pids[0], signal.SIGKILL)
    until(lambda: paths.last_word.exists(), "the next daemon says what is wrong")
    fast_mac.run("stop", "a")
    assert fast_mac.loaded() == []
    assert not any(map(alive, pids))
    paths.config.write_text(right)
    fast_mac.run("start", "a")
    assert fast_mac.ask("a", "hi") == "You wrote: hi"


def test_after_a_login_with_wrong_configuration_both_jobs_wait(fast_mac: Mac) -> None:
    _installed(fast_mac)
    fast_mac.new("a")
    fast_mac.run("stop", "a")
    paths = fast_mac.paths("a")
    right = paths.config.read_text()
    paths.config.unlink()
    fast_mac.log_in()
    logs = fast_mac.home / "Library" / "Logs" / "ccmux"
    for part in ("daemon", "session"):
        until(lambda part=part: "no instance" in (logs / f"a.{part}.log").read_text(), f"the {part} says why")  # type: ignore[misc]
    paths.config.write_text(right)
    _settled(fast_mac)
    assert fast_mac.ask("a", "hi") == "You wrote: hi"
    assert [fast_mac.job("a", part)["runs"] for part in ("daemon", "session")] == [1, 1]


def test_a_stop_ends_a_tmux_server_that_hangs(fast_mac: Mac) -> None:
    macs.have(fast_mac.state, run=True, throttle=0.05, patience=0.05)
    _installed(fast_mac)
    fast_mac.new("a")
    _, tmux, claude = _pids(fast_mac)
    kill(tmux, signal.SIGSTOP)
    fast_mac.run("stop", "a")
    assert fast_mac.loaded() == []
    until(lambda: not alive(tmux) and not alive(claude), "both are dead")
    fast_mac.run("start", "a")
    assert fast_mac.ask("a", "hi") == "You wrote: hi"


def test_after_a_logout_and_a_login_all_come_back(fast_mac: Mac) -> None:
    _installed(fast_mac)
    one, two = fast_mac.new("a"), fast_mac.new("b")
    fast_mac.ask("a", "hi")
    fast_mac.log_out()
    until(lambda: not alive(one["claude"]["pid"]) and not alive(two["claude"]["pid"]), "nothing is left")
    fast_mac.log_in()
    assert fast_mac.ask("a", "ho") == "You wrote: ho"
    assert fast_mac.ask("b", "ho") == "You wrote: ho"
    assert [fast_mac.status(name)["session_id"] for name in "ab"] == [one["session_id"], two["session_id"]]
    fast_mac.run("rm", "b")
    assert fast_mac.loaded() == ["com.ccmux.a.daemon", "com.ccmux.a.session"]


def test_a_bootstrap_after_a_stop_meets_eio(fast_mac: Mac) -> None:
    macs.have(fast_mac.state, run=True, throttle=0.05, eio_after_bootout=3)
    _installed(fast_mac)
    fast_mac.new("a")
    began = time.monotonic()
    fast_mac.run("restart", "a", "--session")
    assert time.monotonic() - began > 3  # three tries in vain for each of two jobs
    assert fast_mac.ask("a", "hi") == "You wrote: hi"
