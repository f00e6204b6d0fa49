"""`--stay`: for a manager that knows no "do not try again". Wrong configuration is waited out, not tried for ever."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from ccmux.locks import held
from tests.rig import Rig, alive, until


def _wrong(rig: Rig, name: str) -> tuple[Path, str]:
    """Break that file of a new instance; the file, and how it was."""
    rig.new("a", "--no-start")
    file = getattr(rig.paths("a"), name)
    right = file.read_text()
    file.write_text(right + "\nnonsense\n")
    return file, right


@pytest.mark.parametrize("name", ["config", "env"])
def test_a_daemon_waits_for_its_configuration_and_begins_anew(double: Rig, name: str) -> None:
    file, right = _wrong(double, name)
    paths = double.paths("a")
    daemon = double.popen("run", "a", "--stay")
    until(lambda: paths.last_word.exists() and not held(paths.lock), "it says why, and lets go of the instance")
    assert str(file) in paths.last_word.read_text()
    assert "it waits until" in until(
        lambda: log if "it waits" in (log := paths.daemon_log.read_text()) else "", "it says so in its log"
    )
    assert double.status("a")["reason"]
    file.write_text(right + "\nother nonsense\n")
    until(lambda: paths.daemon_log.read_text().count("it waits until") > 1, "it tried once more")
    file.write_text(right)
    double.wait_state("a", "idle")
    assert double.status("a")["daemon"]["pid"] == daemon.pid
    assert not paths.last_word.exists()
    assert double.ask("a", "hi") == "You wrote: hi"
    double.run("stop", "a")
    assert daemon.wait(60) == 0  # an order is final all the same
    daemon.communicate()


def test_one_that_waits_ends_when_it_is_told(double: Rig) -> None:
    _wrong(double, "config")
    for verb in ("run", "session"):
        process = double.popen(verb, "a", "--stay")
        assert process.stderr is not None
        assert "ccmux.toml" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
        process.communicate()


def test_without_it_wrong_configuration_ends_both(double: Rig) -> None:
    _wrong(double, "config")
    double.run("run", "a", code=2)
    double.run("session", "a", code=2)
    double.run("run", "b", code=3)
    double.run("session", "b", code=3)
    for words in (
        ("run", "a", "--end"),
        ("session", "a", "--end", "--stay"),
        ("run", "a", "--stay", "--stay"),
        ("run",),
    ):
        double.run(*words, code=2)


def test_a_session_waits_for_its_instance(double: Rig) -> None:
    process = double.popen("session", "a", "--stay")
    assert process.stderr is not None
    assert "no instance named a" in process.stderr.readline()
    double.new("a", "--no-start")
    socket = double.paths("a").tmux_socket
    until(socket.exists, "it has become the tmux server")
    assert alive(process.pid)
    process.terminate()
    process.communicate(timeout=60)
