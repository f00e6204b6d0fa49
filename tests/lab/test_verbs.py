"""The verbs, and systemctl, on instances that are services."""

from __future__ import annotations

import json

import pytest

from tests.lab.machine import Machine
from tests.lab.person import Person

UNITS = [f"{kind}@{name}.service" for kind in ("ccmux", "ccmux-session") for name in ("a", "b", "c")]


@pytest.fixture(scope="module")
def fleet(alice: Person) -> dict[str, str]:
    return {name: one["session_id"] for name, one in alice.served("a", "b", "c").items()}


def states(alice: Person, name: str) -> dict[str, str]:
    return {kind: unit["state"] for kind, unit in alice.units(name).items()}


def test_the_target_stops_and_starts_all_in_order(machine: Machine, alice: Person, fleet: dict[str, str]) -> None:
    assert alice.ask("a", "remember the green door") == "You wrote: remember the green door"
    cursor = machine.run("journalctl", "-n", "0", "--show-cursor").splitlines()[-1].removeprefix("-- cursor: ")
    alice.systemctl("stop", "ccmux.target")
    machine.wait(
        lambda: alice.systemctl("is-active", *UNITS, code=None).split() == ["inactive"] * 6, "all have stopped"
    )
    for name in fleet:
        units = [f"USER_UNIT=ccmux@{name}.service", "+", f"USER_UNIT=ccmux-session@{name}.service"]
        told = machine.run("journalctl", f"--after-cursor={cursor}", "-o", "json", *units)
        said = [str(json.loads(line)["MESSAGE"]) for line in told.splitlines()]
        order = [
            next(at for at, line in enumerate(said) if line.startswith(words))
            for words in (f"Stopped ccmux@{name}", f"Stopping ccmux-session@{name}", f"Stopped ccmux-session@{name}")
        ]
        assert order == sorted(order), said
        assert not [line for line in said if "SIGKILL" in line or "Killing" in line], said
    pattern = str(alice.paths("a").claude / "projects")
    for line in alice.does("sh", "-c", f"cat {pattern}/*/{fleet['a']}.jsonl").splitlines():
        json.loads(line)
    alice.systemctl("start", "ccmux.target")
    assert {name: alice.back(name)["session_id"] for name in fleet} == fleet
    alice.ask("a", "what do you remember")
    assert "remember the green door" in str(alice.requests()[-1]["messages"])


def test_every_verb_goes_through_the_units(alice: Person, fleet: dict[str, str]) -> None:
    claude = alice.claude("a")
    assert alice.run("stop", "a") == "a: stopped\n"
    assert states(alice, "a") == {"session": "stopped", "daemon": "stopped"}
    assert not alice.lives(claude)
    assert alice.run("stop", "a") == "a: was not running\n"
    assert alice.run("start", "a").startswith("a: started, idle")
    assert states(alice, "a") == {"session": "running", "daemon": "running"}
    assert alice.run("start", "a").startswith("a: runs already, idle")
    claude, daemon = alice.claude("a"), alice.units("a")["daemon"]["pid"]
    alice.run("restart", "a")
    assert alice.claude("a") == claude
    assert alice.units("a")["daemon"]["pid"] not in (0, daemon)
    alice.run("restart", "a", "--session")
    assert alice.claude("a") not in (0, claude)
    assert alice.back("a")["session_id"] == fleet["a"]
    alice.run("down")
    assert states(alice, "b") == states(alice, "c") == {"session": "stopped", "daemon": "stopped"}
    alice.run("up")
    assert {name: alice.back(name)["session_id"] for name in fleet} == fleet


@pytest.mark.usefixtures("fleet")
def test_no_number_of_restarts_meets_a_limit(alice: Person) -> None:
    alice.run("restart", "b")
    for _ in range(30):
        alice.run("restart", "b")
    assert states(alice, "b") == {"session": "running", "daemon": "running"}


def test_what_cannot_run_fails_clearly_and_alone(machine: Machine, alice: Person, fleet: dict[str, str]) -> None:
    others = {name: alice.claude(name) for name in ("a", "b")}
    config = alice.paths("c").config
    failed = {"session": "failed", "daemon": "failed"}
    alice.run("stop", "c")
    alice.does("sh", "-c", f"cp {config} right && echo 'nonsense = [' >> {config}")
    alice.run("start", "c", code=2)
    assert str(config) in alice.stderr
    assert states(alice, "c") == {"session": "stopped", "daemon": "stopped"}
    alice.systemctl("start", "ccmux@c.service", code=1)
    machine.wait(lambda: states(alice, "c") == failed, "both have failed")
    assert {name: alice.claude(name) for name in ("a", "b")} == others
    machine.reboot()
    assert {name: alice.back(name)["session_id"] for name in ("a", "b")} == {name: fleet[name] for name in ("a", "b")}
    machine.wait(lambda: states(alice, "c") == failed, "both have failed")
    assert {unit["restarts"] for unit in alice.units("c").values()} == {0}
    assert str(config) in alice.status("c")["reason"]
    alice.does("mv", "right", str(config))
    assert alice.run("start", "c").startswith("c: started")
    assert alice.back("c")["session_id"] == fleet["c"]


def test_a_removed_instance_is_no_service(alice: Person, fleet: dict[str, str]) -> None:
    alice.run("rm", "c", "--purge")
    assert "@c.service" not in alice.systemctl("list-units", "--all", "ccmux*") + alice.systemctl(
        "list-unit-files", "ccmux*"
    )
    assert alice.systemctl("is-enabled", "ccmux@c.service", code=None).strip() != "enabled"
    assert alice.back("a")["session_id"] == fleet["a"]
