"""Gateways as jobs of a double of launchd."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.locks import held
from ccmux.standin import StandIn
from tests.double.install import install
from tests.managers.mac import Mac
from tests.rig import alive, kill, until


@pytest.fixture
def mac(short_dir: Path, standin: StandIn) -> Iterator[Mac]:
    person = Mac(short_dir, standin, short_dir / "nowhere")
    install(short_dir / "bin" / "claude")
    try:
        yield person
    finally:
        person.close()


def _home(mac: Mac, name: str = "loopback") -> Path:
    return mac.home / ".local" / "share" / "ccmux" / "gateways" / name


def _set_up(mac: Mac, name: str = "loopback") -> None:
    _home(mac, name).mkdir(mode=0o700, parents=True)
    (_home(mac, name) / "gateway.toml").write_text("version = 1\n")


def _pid(mac: Mac, name: str = "loopback") -> int:
    lock = _home(mac, name) / "gateway.lock"
    return int(lock.read_text() or 0) if held(lock) else 0


def test_a_gateway_is_a_job_from_its_first_start_on(mac: Mac) -> None:
    mac.run("service", "install")
    _set_up(mac)
    said = mac.run("gateway", "start", "loopback")
    assert "gateway loopback: started, up" in said
    job = mac.job("loopback", "gateway")
    assert job["pid"] == _pid(mac)
    kill(job["pid"], signal.SIGKILL)
    until(lambda: _pid(mac) not in (0, job["pid"]), "launchd has started it again")
    before = _pid(mac)
    mac.run("gateway", "restart", "loopback")
    assert _pid(mac) not in (0, before)
    assert not alive(before)
    (unit,) = mac.json("service", "status")["units"]
    assert (unit["instance"], unit["name"], unit["state"]) == ("loopback", "com.ccmux.loopback.gateway", "running")
    assert "stopped" in mac.run("gateway", "stop", "loopback")
    assert (mac.loaded(), _pid(mac)) == ([], 0)
    assert (mac.agents / "com.ccmux.loopback.gateway.plist").exists()


def test_what_runs_is_taken_over_and_given_back(mac: Mac) -> None:
    _set_up(mac)
    _set_up(mac, "loopback-a")
    mac.run("gateway", "start", "loopback")
    keeper = int((_home(mac) / "keeper.lock").read_text())
    said = mac.run("service", "install")
    assert "the gateway loopback: runs as a service now" in said
    assert "the gateway loopback-a: starts at the next boot; now: ccmux gateway start loopback-a" in said
    assert not alive(keeper)
    until(lambda: _pid(mac), "it runs")
    assert mac.job("loopback", "gateway")["pid"] == _pid(mac)
    assert "runs as a service already" in mac.run("service", "install")
    said = mac.run("service", "uninstall")
    assert "the gateway loopback: started again without a service" in said
    assert (mac.loaded(), list(mac.agents.iterdir())) == ([], [])
    assert _pid(mac)
    assert not _pid(mac, "loopback-a")
    mac.run("down")
    assert not _pid(mac)


def test_a_manager_is_told_that_it_is_ready_lives_and_ends(mac: Mac) -> None:
    _set_up(mac)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(mac.home / "notify"))
        ear.settimeout(60)
        mac.env["NOTIFY_SOCKET"] = str(mac.home / "notify")
        process = mac.popen("gateway", "loopback")
        assert ear.recv(1000).decode().startswith("READY=1\n")
        assert [ear.recv(1000) for _ in range(2)] == [b"WATCHDOG=1"] * 2
        process.terminate()
        until(lambda: ear.recv(1000) == b"STOPPING=1", "it says that it ends")
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_the_job_of_another_home_is_let_be(mac: Mac) -> None:
    mac.run("service", "install")
    _set_up(mac)
    mac.run("gateway", "start", "loopback")
    plist = mac.agents / "com.ccmux.loopback.gateway.plist"
    plist.write_text(plist.read_text().replace(f"<string>{mac.home}</string>", "<string>/elsewhere</string>", 1))
    mac.run("gateway", "restart", "loopback", code=2)
    assert "another gateway loopback already, of /elsewhere" in mac.stderr
    assert "/elsewhere" in plist.read_text()
