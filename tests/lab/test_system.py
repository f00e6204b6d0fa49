"""Services of the system: hardened, run as a user, started at boot."""

from __future__ import annotations

import json

import pytest

from tests.lab.machine import Machine
from tests.lab.person import Person

TOOLS = [
    {"tool": "Bash", "input": {"command": "echo made > made; touch ~/made 2>&1; ls -d /proc/[0-9]* | wc -l"}},
    {"tool": "Write", "input": {"file_path": "/home/alice/src-a/written", "content": "written"}},
    {"text": "both done"},
]


def root(machine: Machine, alice: Person, *words: str) -> str:
    """`sudo ccmux`, for the instances of Alice."""
    ccmux = str(alice.home / "ccmux" / "bin" / "ccmux")
    return machine.run(ccmux, *words, env={"CCMUX_HOME": str(alice.home)})


@pytest.fixture(scope="module")
def session_id(alice: Person) -> str:
    """The instance that was running when root installed the services; `b` was not, and has none of its directories."""
    return str(alice.new("a")["session_id"])


@pytest.mark.usefixtures("session_id")
def test_root_installs_services_for_somebody(machine: Machine, alice: Person) -> None:
    alice.new("b", "--no-start")
    claude = alice.claude("a")
    said = root(machine, alice, "service", "install", "--system", "--user", alice.name)
    assert "a: its daemon runs as a service now, its Claude goes on" in said
    assert "b: starts at the next boot; now: ccmux start b" in said
    assert alice.claude("a") == claude
    machine.run("systemctl", "restart", "ccmux-session@a.service")
    machine.wait(lambda: alice.claude("a") not in (0, claude), "another Claude")
    assert alice.cgroup(alice.claude("a")).endswith("/ccmux-session@a.service")
    assert alice.units("b")["daemon"]["state"] == "stopped"
    assert root(machine, alice, "service", "install", "--system", "--user", alice.name) == (
        "a: runs as a service already\nb: starts at the next boot; now: ccmux start b\n"
    )
    assert {file["state"] for file in alice.json("service", "status")["files"]} == {"current"}


@pytest.mark.usefixtures("session_id")
def test_a_daemon_is_restarted_by_its_owner_and_the_rest_by_root(alice: Person) -> None:
    daemon = alice.units("a")["daemon"]["pid"]
    alice.run("restart", "a")
    alice.healed("a", daemon=daemon)
    alice.run("stop", "a", code=1)
    assert "sudo systemctl stop ccmux@a.service ccmux-session@a.service" in alice.stderr
    alice.run("new", "c", "--dir", str(alice.project("c")), code=1)
    assert "sudo ccmux service install --system --user alice" in alice.stderr
    alice.run("rm", "c", "--purge")


def test_claude_works_in_hardened_units_and_comes_back_after_a_boot(
    machine: Machine, alice: Person, session_id: str
) -> None:
    work = f"work <<standin {json.dumps(TOOLS)}>>"
    machine.reboot()
    assert alice.back("a")["session_id"] == session_id
    assert alice.back("b")["state"] == "idle"
    assert alice.ask("a", "hello") == "You wrote: hello"
    alice.run("send", "a", work)
    asked = machine.wait(lambda: alice.json("approvals")["approvals"], "Claude asks")
    alice.run("approve", asked[0]["code"])
    alice.answered("a", work)
    assert alice.does("cat", "src-a/made", "src-a/written") == "made\nwritten"
    assert alice.does("ls", "made", code=2)  # nothing else of the home may be written to
    assert "Read-only file system" in str(alice.requests()[-1]["messages"])


@pytest.mark.usefixtures("session_id")
def test_the_units_are_right_and_hard(machine: Machine) -> None:
    names = ["ccmux@a.service", "ccmux-session@a.service", "ccmux-gateway@slack.service"]
    verify = ["systemd-analyze", "verify", "--recursive-errors=yes", "--man=no"]
    assert machine.run(*verify, *names, "ccmux.target", code=None).strip() == ""
    for unit, threshold in zip(names, (15, 25, 15), strict=True):
        machine.run("systemd-analyze", "security", f"--threshold={threshold}", "--no-pager", unit)


def test_root_removes_them_and_what_ran_goes_on(machine: Machine, alice: Person, session_id: str) -> None:
    root(machine, alice, "service", "uninstall", "--user", alice.name)
    assert machine.run("find", "/etc/systemd/system", "-name", "*ccmux*") == ""
    assert alice.json("service", "status")["manager"] == "detached"
    assert alice.back("a")["session_id"] == session_id
