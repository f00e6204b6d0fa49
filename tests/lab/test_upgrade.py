"""Releases come and go under systemd, while people write and Claude works: it does not notice."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.machine import Machine
from tests.lab.person import Person
from tests.upgrade.test_upgrade import DIES, MIGRATES
from tests.upgrade.wheels import wheel

NAMES = ("a", "b", "c")
MEANWHILE = 15
WRITER = f"""
for n in $(seq 1 {MEANWHILE}); do
    until ~/.local/bin/ccmux send a "sent $n." >/dev/null 2>&1; do sleep 0.1; done
    echo "written $n." > ~/.ccmux-c/run/in.local
    sleep 0.3
done
"""


@pytest.fixture
def upgrading(alice: Person) -> Iterator[Person]:
    """What pip needs stands on the machine; afterwards her command is the one that she installed."""
    alice.env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/host"}
    yield alice
    alice.does("sh", "-c", "rm -rf ~/.local/share/ccmux; ln -sfn ~/ccmux/bin/ccmux ~/.local/bin/ccmux")


@pytest.fixture(scope="module")
def releases(machine: Machine) -> Path:
    directory = machine.share / "releases"
    wheel(directory, "9.0.0", MIGRATES)
    wheel(directory, "9.1.0", DIES)
    return directory


def test_a_good_release_is_taken_up_and_a_bad_one_given_up(machine: Machine, upgrading: Person, releases: Path) -> None:
    person = upgrading
    sessions = {name: one["session_id"] for name, one in person.served(*NAMES).items()}
    before = [person.claude(name) for name in NAMES]
    person.run("send", "b", '<<standin {"text": "the long answer", "delay": 25}>> the long one')
    good, bad = (str(Path("/host", *path.parts[-2:])) for path in sorted(releases.glob("*.whl")))
    writer = _writing(machine, person, WRITER)
    person.run("upgrade", "--to", good, "--no-probe")
    _written(writer)
    assert [person.status(name)["daemon"]["version"] for name in NAMES] == ["9.0.0"] * 3
    assert [person.claude(name) for name in NAMES] == before
    assert "versions/current/bin/ccmux run" in person.systemctl("cat", "ccmux@a.service")
    writer = _writing(machine, person, WRITER.replace("sent", "posted").replace("written", "put"))
    person.run("upgrade", "--to", bad, "--no-probe", code=1)
    assert "all daemons are 9.0.0 again" in person.stderr
    _written(writer)
    assert [person.status(name)["daemon"]["version"] for name in NAMES] == ["9.0.0"] * 3
    assert [person.claude(name) for name in NAMES] == before
    assert {name: person.status(name)["session_id"] for name in NAMES} == sessions
    texts = [f"{word} {n}." for word in ("sent", "written", "posted", "put") for n in range(1, MEANWHILE + 1)]
    machine.wait(lambda: all(person.asked(text) for text in [*texts, "the long one"]), "every message was answered")
    assert [text for text in texts if person.asked(text) > 1] == []


def _writing(machine: Machine, person: Person, script: str) -> subprocess.Popen[str]:
    return machine.popen("sh", "-c", script, user=person.name)


def _written(writer: subprocess.Popen[str]) -> None:
    said = writer.communicate(timeout=120)
    assert writer.returncode == 0, said
