"""A person upgrades while instances work: Claude does not notice, nothing is lost, and a bad release is given up."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.rig import until
from tests.upgrade.conftest import OLD, Installed, cache
from tests.upgrade.wheels import wheel

GOOD = "2.0.0"
DIES = ("ccmux/daemon/run.py", "log = logging", "raise ImportError('this release is broken')\nlog = logging")
_BEGIN = "    spec = load(paths.config)\n"
NEVER_READY = ("ccmux/daemon/run.py", _BEGIN, f"    await asyncio.sleep(3600)\n{_BEGIN}")
MIGRATES = ("ccmux/journal/schema.py", "\n)\n", '\n    "CREATE TABLE of_tomorrow (id TEXT);",\n)\n')
NO_WAY_BACK = ("ccmux/journal/schema.py", "READABLE_FROM: Final = ", "READABLE_FROM: Final = 100 + ")


def versions(person: Installed, *names: str) -> list[str]:
    return [person.status(name)["daemon"]["version"] for name in names]


def claudes(person: Installed, *names: str) -> list[int]:
    return [person.status(name)["claude"]["pid"] for name in names]


@pytest.fixture(scope="session")
def good(wheels: Path) -> Path:
    return wheel(wheels, GOOD, MIGRATES)


def test_daemon_after_daemon_takes_up_a_release_and_goes_back(person: Installed, good: Path) -> None:
    person.new("a")
    person.new("b")
    person.new("c", "--no-start")
    before = claudes(person, "a", "b")
    assert person.ask("a", "one") == "You wrote: one"
    person.run("send", "b", '<<standin {"text": "the long answer", "delay": 20}>> q1')
    person.wait_state("b", "busy")
    told = person.run("upgrade", "--to", str(good), "--no-probe")
    assert f"a: its daemon is {GOOD}" in told
    assert versions(person, "a", "b") == [GOOD, GOOD]
    assert claudes(person, "a", "b") == before
    assert person.status("c")["state"] == "stopped"
    until(lambda: [one["text"] for one in person.history("b")[0]["replies"]] == ["the long answer"], "b goes on")
    assert person.ask("a", "two") == "You wrote: two"
    assert person.run("version").strip() == f"ccmux {GOOD}"
    assert (person.paths("a").data / f"journal-before-{OLD}.db").exists()
    assert f"a: its daemon is {OLD}" in person.run("upgrade", "--back")
    assert versions(person, "a", "b") == [OLD, OLD]
    assert claudes(person, "a", "b") == before
    assert person.ask("a", "three") == "You wrote: three"


@pytest.mark.parametrize("faults", [(DIES,), (NEVER_READY,), (MIGRATES, DIES)], ids=["dies", "never-ready", "migrates"])
def test_a_release_that_does_not_become_ready_is_given_up(
    person: Installed, wheels: Path, faults: tuple[tuple[str, str, str], ...], request: pytest.FixtureRequest
) -> None:
    number = ["dies", "never-ready", "migrates"].index(request.node.callspec.id)
    bad = wheel(wheels, f"3.{number}.0", *faults)
    person.new("a")
    person.new("b")
    before = claudes(person, "a", "b")
    person.run("send", "b", '<<standin {"text": "later", "delay": 5}>> q1')
    links = os.readlink(person.command)
    person.run("upgrade", "--to", str(bad), "--no-probe", code=1)
    assert f"all daemons are {OLD} again" in person.stderr
    assert versions(person, "a", "b") == [OLD, OLD]
    assert claudes(person, "a", "b") == before
    assert os.readlink(person.command) == links
    assert cache(person.home) == []
    until(lambda: [one["text"] for one in person.history("b")[0]["replies"]] == ["later"], "nothing was lost")
    assert person.ask("a", "two") == "You wrote: two"


def test_an_upgrade_that_nobody_waits_for_is_undone(person: Installed, good: Path) -> None:
    """Ctrl+C, or `ccmux upgrade | head -1`, in the midst: the former release everywhere, and nothing leads nowhere."""
    person.new("a")
    person.new("b")
    person.run("send", "a", '<<standin {"text": "the long answer", "delay": 50}>> q1')
    person.wait_state("a", "busy")
    links = os.readlink(person.command)
    heeding = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 - whoever started us may ignore it
    process = person.popen("upgrade", "--to", str(good), "--no-probe", preexec_fn=heeding)
    assert process.stdout is not None
    until(lambda: process.stdout and "ccmux is" in process.stdout.readline(), "it waits for a calm moment")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert os.readlink(person.command) == links
    assert cache(person.home) == []
    assert versions(person, "a", "b") == [OLD, OLD]
    assert person.ask("b", "one") == "You wrote: one"


def test_what_does_not_install_or_run_changes_nothing(person: Installed, wheels: Path) -> None:
    person.new("a")
    person.run("upgrade", "--to", "/nowhere/x.whl", code=2)
    person.run("upgrade", "--to", "no such version", code=2)
    person.run("upgrade", "--to", "77.0.0", "--no-probe", code=1)
    assert "could not be installed" in person.stderr
    (person.home / "torn.whl").write_bytes(b"PK\3\4 and nothing more")
    person.run("upgrade", "--to", str(person.home / "torn.whl"), "--no-probe", code=1)
    broken = wheel(wheels, "4.0.0", ("ccmux/cli/main.py", "import os", "import nonsense_that_is_not_there as os"))
    person.run("upgrade", "--to", str(broken), "--no-probe", code=1)
    assert "does not run" in person.stderr
    worse = wheel(
        wheels, "4.1.0", ("ccmux/fleet/doctor.py", "OLDEST_TMUX: Final = (3, 2)", "OLDEST_TMUX: Final = (99, 0)")
    )
    person.run("upgrade", "--to", str(worse), "--no-probe", code=1)
    assert "too old" in person.stderr
    unable = wheel(
        wheels, "4.2.0", ("ccmux/journal/schema.py", "\n)\n", '\n    "CREATE TABLE inbox (already INTEGER);",\n)\n')
    )
    person.run("upgrade", "--to", str(unable), "--no-probe", code=1)
    assert "cannot take over" in person.stderr
    person.run("upgrade", "--back", code=2)
    assert versions(person, "a") == [OLD]
    assert cache(person.home) == []
    assert person.ask("a", "one") == "You wrote: one"


def test_a_journal_that_the_old_release_cannot_read_is_put_back(person: Installed, wheels: Path) -> None:
    bad = wheel(wheels, "5.0.0", MIGRATES, NO_WAY_BACK, NEVER_READY)
    person.new("a")
    assert person.ask("a", "one") == "You wrote: one"
    before = claudes(person, "a")
    journal = person.paths("a").journal
    with sqlite3.connect(journal) as db:
        schema = db.execute("PRAGMA user_version").fetchone()
    person.run("upgrade", "--to", str(bad), "--no-probe", code=1)
    assert versions(person, "a") == [OLD]
    with sqlite3.connect(journal) as db:
        assert db.execute("PRAGMA user_version").fetchone() == schema
    assert claudes(person, "a") == before
    assert person.ask("a", "two") == "You wrote: two"
