"""Services of a person: started at boot, without any login; nothing is lost by a boot."""

from __future__ import annotations

import pytest

from tests.lab.machine import Machine
from tests.lab.person import KEY, Person

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def fleet(alice: Person) -> dict[str, str]:
    """Three instances; name → session id."""
    made = alice.served(*NAMES)
    return {name: one["session_id"] for name, one in made.items()}


def test_nobody_is_logged_in_and_nothing_starts_at_boot_yet(alice: Person) -> None:
    alice.run("service", "install", code=1)
    assert "sudo loginctl enable-linger alice" in alice.stderr
    assert alice.json("service", "status")["manager"] == "detached"
    assert alice.does("find", ".", "-path", "./.config/*ccmux*") == ""


def test_all_come_back_after_a_boot_and_answer_what_was_queued(
    machine: Machine, alice: Person, fleet: dict[str, str]
) -> None:
    assert alice.ask("a", "remember the blue house") == "You wrote: remember the blue house"
    slow = 'take your time <<standin {"text": "slow", "delay": 20}>>'
    for name, text in (("a", slow), ("a", "queued behind it")):
        alice.run("send", name, text)
    alice.wait_state("a", "busy")
    alice.run("pause", "b")
    alice.run("send", "b", "queued while paused")
    machine.reboot()
    for name in ("a", "c"):
        assert alice.back(name)["session_id"] == fleet[name]
    assert alice.wait_state("b", "paused")["session_id"] == fleet["b"]
    alice.run("resume", "b")
    alice.answered("a", "queued behind it")
    alice.answered("b", "queued while paused")
    alice.answered("a", slow)
    assert alice.asked("queued behind it") == 1
    assert alice.asked("queued while paused") == 1
    assert "remember the blue house" in str(alice.requests()[-1]) or "remember the blue house" in str(
        alice.requests()[-2]
    )
    assert [line.split()[:2] for line in alice.run("ls").splitlines()[1:]] == [[name, "idle"] for name in NAMES]


def test_a_loss_of_power_is_outlived(machine: Machine, alice: Person, fleet: dict[str, str]) -> None:
    alice.run("pause", "c")
    alice.run("send", "c", "accepted before the lights went out")
    machine.lose_power()
    alice.wait_state("c", "paused")
    alice.run("resume", "c")
    alice.answered("c", "accepted before the lights went out")
    assert {name: alice.back(name)["session_id"] for name in NAMES} == fleet


@pytest.mark.usefixtures("fleet")
def test_no_secret_is_seen_by_others(machine: Machine, alice: Person) -> None:
    alice.back("a")
    said = machine.run("ps", "axww", "-o", "args") + machine.run("systemctl", "show", "*")
    said += alice.systemctl("show", "*") + alice.systemctl("cat", "ccmux*")
    assert "ccmux-session@a.service" in said
    assert KEY not in said
    assert "/usr/local/bin/claude --settings" in said
    claude = alice.claude("a")
    assert KEY not in machine.run("cat", f"/proc/{claude}/environ")


@pytest.mark.usefixtures("fleet")
def test_the_units_are_right(alice: Person) -> None:
    units = [f"{kind}@a.service" for kind in ("ccmux", "ccmux-session")]
    assert alice.verified("--user", *units, "ccmux-gateway@slack.service", "ccmux.target") == ""
