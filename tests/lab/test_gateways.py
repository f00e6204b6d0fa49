"""Gateways as services: of a person, then of the system, in their sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab.machine import Machine
from tests.lab.person import Person
from tests.lab.test_system import root

HOME = ".local/share/ccmux/gateways/loopback"
UNIT = "ccmux-gateway@loopback.service"
TOML = """\
version = 1
[access]
teams = ["here"]
users = ["anna"]
[[bind]]
room = "R1"
instance = "a"
"""


def _gateway(alice: Person) -> dict[str, Any]:
    """The unit."""
    (unit,) = [one for one in alice.json("service", "status")["units"] if one["instance"] == "loopback"]
    return dict(unit)


def _told(machine: Machine, alice: Person, text: str) -> None:
    """Anna says it, and is answered."""
    file = f"{alice.home}/{HOME}/rooms/R1.jsonl"
    alice.does("sh", "-c", f"echo '{json.dumps({'who': 'anna', 'text': text})}' >>{file}")
    machine.wait(lambda: f"You wrote: {text}" in alice.does("cat", file), f"{text} is answered")


@pytest.fixture(scope="module")
def served(alice: Person) -> Person:
    alice.served("a")
    alice.write(f"{HOME}/gateway.toml", TOML)
    alice.does("sh", "-c", f"chmod 700 ~/{HOME}; mkdir -p ~/{HOME}/rooms; touch ~/{HOME}/rooms/R1.jsonl")
    return alice


def test_of_a_person(machine: Machine, served: Person) -> None:
    assert "gateway loopback: started, up" in served.run("gateway", "start", "loopback")
    first = _gateway(served)
    assert (first["state"], first["at_boot"]) == ("running", True)
    assert served.cgroup(first["pid"]).endswith(f"/{UNIT}")
    _told(machine, served, "one")
    served.kill(first["pid"])
    machine.wait(lambda: _gateway(served)["pid"] not in (0, first["pid"]), "systemd has started another")
    second = _gateway(served)["pid"]
    served.run("gateway", "restart", "loopback")
    assert _gateway(served)["pid"] not in (0, second)
    machine.reboot()
    served.back("a")
    machine.wait(lambda: _gateway(served)["state"] == "running", "it is back after a boot")
    _told(machine, served, "two")
    served.run("gateway", "stop", "loopback")
    assert _gateway(served)["state"] == "stopped"
    assert served.verified("--user", UNIT) == ""


def test_of_the_system(machine: Machine, served: Person) -> None:
    served.run("service", "uninstall")
    served.run("gateway", "start", "loopback")
    before = served.json("gateway", "ls")["gateways"][0]
    assert before["state"] == "up"
    said = root(machine, served, "service", "install", "--system", "--user", served.name)
    assert "the gateway loopback: runs as a service now" in said
    unit = machine.wait(lambda: (one := _gateway(served))["state"] == "running" and one, "it runs")
    assert served.cgroup(unit["pid"]).endswith(f"/{UNIT}")
    machine.wait(lambda: served.status("a")["state"] == "idle", "its instance runs, too")
    _told(machine, served, "three")
    machine.run("systemd-analyze", "security", "--threshold=15", "--no-pager", UNIT)
    served.run("gateway", "restart", "loopback")
    machine.wait(lambda: _gateway(served)["pid"] not in (0, unit["pid"]), "another runs")
    _told(machine, served, "four")
    assert "sudo systemctl stop" in (served.run("gateway", "stop", "loopback", code=1) or served.stderr)
    assert "the gateway loopback: started again without a service" in root(
        machine, served, "service", "uninstall", "--user", served.name
    )
    assert machine.run("find", "/etc/systemd/system", "-name", "*ccmux*") == ""
