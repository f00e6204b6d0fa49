"""What dies or hangs comes back, with the same conversation; what did not die goes on."""

from __future__ import annotations

import pytest

from tests.lab.machine import Machine
from tests.lab.person import Person

WATCHED = ".config/systemd/user/ccmux@.service.d/watchdog.conf"


@pytest.fixture(scope="module")
def session_id(alice: Person) -> str:
    return str(alice.served("a")["a"]["session_id"])


def test_a_dead_daemon_is_replaced_and_claude_does_not_notice(alice: Person, session_id: str) -> None:
    claude, daemon = alice.claude("a"), alice.units("a")["daemon"]["pid"]
    alice.kill(daemon)
    assert alice.healed("a", daemon=daemon)["session_id"] == session_id
    assert alice.claude("a") == claude
    assert alice.ask("a", "after the daemon") == "You wrote: after the daemon"


def test_a_dead_claude_is_replaced(alice: Person, session_id: str) -> None:
    claude, daemon = alice.claude("a"), alice.units("a")["daemon"]["pid"]
    alice.kill(claude)
    assert alice.healed("a", claude=claude)["session_id"] == session_id
    assert alice.units("a")["daemon"]["pid"] == daemon
    assert alice.ask("a", "after claude") == "You wrote: after claude"


def test_a_dead_tmux_is_replaced_and_claude_with_it(alice: Person, session_id: str) -> None:
    claude, server = alice.claude("a"), alice.units("a")["session"]["pid"]
    alice.kill(server)
    assert alice.healed("a", claude=claude)["session_id"] == session_id
    assert alice.units("a")["session"]["pid"] not in (0, server)
    assert not alice.lives(claude)
    assert alice.ask("a", "after tmux") == "You wrote: after tmux"


def test_a_stray_sigterm_is_no_stop(alice: Person, session_id: str) -> None:
    daemon, claude = alice.units("a")["daemon"]["pid"], alice.claude("a")
    alice.kill(daemon, "TERM")
    alice.healed("a", daemon=daemon)
    alice.kill(alice.units("a")["session"]["pid"], "TERM")
    assert alice.healed("a", claude=claude)["session_id"] == session_id


def test_a_frozen_daemon_is_replaced_and_claude_does_not_notice(
    machine: Machine, alice: Person, session_id: str
) -> None:
    alice.write(WATCHED, "[Service]\nWatchdogSec=3\n")
    alice.systemctl("daemon-reload")
    alice.run("restart", "a")
    claude, unit = alice.claude("a"), alice.units("a")["daemon"]
    alice.kill(unit["pid"], "STOP")
    try:
        assert alice.healed("a", daemon=unit["pid"])["session_id"] == session_id
    finally:
        alice.does("sh", "-c", f"rm {WATCHED}")
        alice.systemctl("daemon-reload")
    assert alice.claude("a") == claude
    assert "Watchdog timeout" in machine.run("journalctl", "--no-pager", "USER_UNIT=ccmux@a.service", "-b")
    assert alice.units("a")["daemon"]["restarts"] == unit["restarts"] + 1


@pytest.mark.usefixtures("session_id")
def test_lines_that_nobody_read_outlive_the_daemon(alice: Person) -> None:
    """Its end of the FIFO is open in systemd, and what was written is in it."""
    daemon, fifo = alice.units("a")["daemon"]["pid"], alice.paths("a").run / "in.local"
    alice.kill(daemon, "STOP")
    alice.does("timeout", "10", "sh", "-c", f"echo written to a frozen daemon > {fifo}")
    alice.kill(daemon)
    alice.healed("a", daemon=daemon)
    alice.answered("a", "written to a frozen daemon")
    assert alice.asked("written to a frozen daemon") == 1


@pytest.mark.usefixtures("session_id")
def test_no_line_is_lost_while_the_daemon_is_restarted(alice: Person) -> None:
    fifo = alice.paths("a").run / "in.local"
    lines = [f"line {number} of many" for number in range(1, 41)]
    script = f'for n in $(seq 40); do timeout 20 sh -c "echo line $n of many > {fifo}" || exit 1; sleep 0.05; done'
    alice.run("pause", "a")
    writer = alice.machine.popen("sh", "-c", script, user=alice.name)
    while writer.poll() is None:
        alice.run("restart", "a")
    said = writer.communicate(timeout=20)
    assert writer.returncode == 0, said
    taken = [exchange["message"]["text"] for exchange in alice.history("a")]
    alice.run("resume", "a")
    assert sorted(set(lines) & set(taken)) == sorted(lines)
    assert len([text for text in taken if text in lines]) == len(lines)
