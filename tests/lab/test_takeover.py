"""Instances that ran before the services were installed, and after they were removed."""

from __future__ import annotations

from tests.lab.person import Person


def test_what_runs_is_taken_over_without_touching_claude_and_let_go(alice: Person) -> None:
    alice.project("a")
    alice.project("b")
    alice.logged_in("ccmux new a --dir ~/src-a && ccmux new b --dir ~/src-b && ccmux stop b")
    alice.lingers()
    session_id, claude = alice.back("a")["session_id"], alice.claude("a")
    assert "ccmux" not in alice.cgroup(claude)

    said = alice.run("service", "install")
    assert "a: its daemon runs as a service now, its Claude goes on" in said
    assert "b: starts at the next boot; now: ccmux start b" in said
    assert alice.claude("a") == claude
    assert alice.back("a")["session_id"] == session_id
    assert alice.cgroup(alice.units("a")["daemon"]["pid"]).endswith("/ccmux@a.service")
    assert alice.ask("a", "who keeps you") == "You wrote: who keeps you"
    assert alice.units("b")["daemon"]["state"] == "stopped"

    pids = {kind: unit["pid"] for kind, unit in alice.units("a").items()}
    assert alice.run("service", "install") == (
        "a: runs as a service already\nb: starts at the next boot; now: ccmux start b\n"
    )
    assert {kind: unit["pid"] for kind, unit in alice.units("a").items()} == pids
    assert alice.claude("a") == claude

    alice.run("restart", "a", "--session")
    assert not alice.lives(claude)
    assert alice.cgroup(alice.claude("a")).endswith("/ccmux-session@a.service")
    assert alice.back("a")["session_id"] == session_id

    said = alice.run("service", "uninstall")
    assert alice.json("service", "status")["manager"] == "detached"
    assert alice.systemctl("list-units", "--all", "--no-legend", "ccmux*.service", "ccmux*.target").strip() == ""
    assert alice.does("find", f"{alice.home}/.config/systemd", "-name", "*ccmux*") == ""
    assert alice.back("a")["session_id"] == session_id
    assert alice.status("b")["state"] == "stopped"
    assert alice.run("service", "uninstall") == "no services are installed\n"
    assert alice.ask("a", "and now") == "You wrote: and now"


def test_a_server_that_ends_is_replaced_by_the_waiting_unit(alice: Person) -> None:
    """After a take-over the session's unit only waits; Claude's death must not need it, the server's must."""
    before = alice.status("a")
    alice.run("service", "install")
    assert alice.claude("a") == before["claude"]["pid"]
    server = int(alice.tmux("a", "display-message", "-p", "#{pid}"))
    alice.kill(server)
    assert alice.healed("a", claude=before["claude"]["pid"])["session_id"] == before["session_id"]
    assert alice.cgroup(alice.claude("a")).endswith("/ccmux-session@a.service")
