"""What ccmux asks of launchctl, in which order, and what it makes of the answers that were reported of it."""

from __future__ import annotations

import json
import os
import pwd
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmux.errors import CcmuxError, Missing, UsageError
from ccmux.managers.choose import installed, manager, of_this_system
from ccmux.managers.launchctl import Job, Launchctl
from ccmux.managers.launchd import Launchd
from ccmux.managers.program import Program
from ccmux.managers.written import write_if_changed
from ccmux.paths import InstancePaths
from tests.managers import mac

GUI = f"gui/{os.getuid()}"
LABEL = "com.ccmux.a.daemon"
SESSION = "com.ccmux.a.session"


@pytest.fixture
def state(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home on a Mac whose jobs do not run."""
    (short_dir / "bin").mkdir()
    mac.install(short_dir / "bin" / "launchctl")
    mac.have(short_dir / "launchd")
    monkeypatch.setenv("PATH", f"{short_dir}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(short_dir))
    monkeypatch.delenv("CCMUX_HOME", raising=False)
    monkeypatch.setenv("CCMUX_MANAGER", "launchd")
    monkeypatch.setenv("CCMUX_DOUBLE_LAUNCHD", str(short_dir / "launchd"))
    return short_dir / "launchd"


@pytest.fixture
def plist(state: Path) -> Path:
    found = state.parent / f"{LABEL}.plist"
    found.write_text(
        f'<?xml version="1.0"?><plist version="1.0"><dict><key>Label</key><string>{LABEL}</string></dict></plist>'
    )
    found.chmod(0o644)
    return found


def _verbs(state: Path, *wanted: str) -> list[str]:
    """The calls, told shortly, without those that only look."""
    short = [f"{words[0]} {Path(words[-1]).name.removesuffix('.plist')}" for words in mac.calls(state)]
    return [call for call in short if call.partition(" ")[0] in (wanted or ("bootstrap", "bootout", "kickstart"))]


@pytest.mark.parametrize("code", [5, 37])
def test_a_bootstrap_that_fails_after_a_bootout_is_tried_again(state: Path, plist: Path, code: int) -> None:
    mac.have(state, eio_after_bootout=3, eio_code=code, slow_bootout=0.3)
    control = Launchctl(GUI)
    control.bootstrap(LABEL, plist)
    assert control.bootout(LABEL)
    assert control.seen(LABEL) is None  # it waited until the job was gone
    control.bootstrap(LABEL, plist)
    assert control.seen(LABEL) == Job("running", 4711)
    told = mac.calls(state)
    out = told.index(["bootout", f"{GUI}/{LABEL}"])
    after = [words[0] for words in told[out + 1 :]]
    first = after.index("bootstrap")
    assert after[:first].count("print") >= 3  # of the bootout, of the assertion, of the bootstrap
    assert [words for words in after[first:] if words == "bootstrap"] == ["bootstrap"] * 4


def test_a_bootstrap_is_not_tried_for_ever(state: Path, plist: Path) -> None:
    (state / f"eio-{LABEL}").write_text("1000")
    began = time.monotonic()
    with pytest.raises(CcmuxError, match=r"bootstrap .*: Bootstrap failed: 5: Input/output error \(exit code 5\)"):
        Launchctl(GUI, patience=5).bootstrap(LABEL, plist)
    assert 5 < time.monotonic() - began < 60
    assert 2 <= len(_verbs(state)) <= 11, _verbs(state)


def test_other_failures_of_a_bootstrap_are_told_at_once(state: Path, plist: Path) -> None:
    mac.have(state, no_domain=[GUI])
    with pytest.raises(CcmuxError, match="Domain does not support") as error:
        Launchctl(GUI).bootstrap(LABEL, plist)
    assert "log in at the screen" in error.value.fix
    assert _verbs(state) == [f"bootstrap {LABEL}"]


def test_a_job_that_is_loaded_is_not_loaded_again(state: Path, plist: Path) -> None:
    control = Launchctl(GUI)
    control.bootstrap(LABEL, plist)
    control.bootstrap(LABEL, plist)
    assert _verbs(state) == [f"bootstrap {LABEL}"]


def test_a_bootout_ends_when_the_job_is_gone(state: Path, plist: Path) -> None:
    mac.have(state, slow_bootout=0.8, bootout_code=36)
    control = Launchctl(GUI)
    control.bootstrap(LABEL, plist)
    began = time.monotonic()
    assert control.bootout(LABEL)
    assert time.monotonic() - began > 0.7
    assert not control.bootout(LABEL)  # 3: there is none
    assert not control.kickstart(LABEL)  # 113: not loaded
    assert not control.kickstart(LABEL, kill=True)


def test_a_person_may_lack_the_right(state: Path, plist: Path) -> None:
    mac.have(state, denied=["bootout", "enable", "kickstart", "bootstrap", "print"])
    control = Launchctl("system")
    acts: tuple[Callable[[], object], ...] = (
        lambda: control.bootout(LABEL),
        lambda: control.enable(LABEL),
        lambda: control.kickstart(LABEL),
        lambda: control.bootstrap(LABEL, plist),
        lambda: control.seen(LABEL),
    )
    for act in acts:
        with pytest.raises(CcmuxError, match="Operation not permitted") as error:
            act()
        assert error.value.fix.startswith("sudo launchctl ")


def test_without_launchctl_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="no launchd"):
        Launchctl(GUI).seen(LABEL)


@pytest.mark.parametrize(
    ("status", "job"),
    [
        ({"state": "running", "pid": 12, "runs": 1}, Job("running", 12)),
        ({"state": "spawn scheduled", "pid": 0, "runs": 3, "last": "1"}, Job("starting")),
        ({"state": "not running", "pid": 0, "runs": 1, "last": "0"}, Job("stopped")),
        ({"state": "not running", "pid": 0, "runs": 1, "last": "78: EX_CONFIG"}, Job("failed")),
        ({"state": "not running", "pid": 0, "runs": 0}, Job("stopped")),
        ({"state": "a new word", "pid": 0, "runs": 0}, Job("unknown")),
    ],
)
def test_of_print_three_lines_are_read(state: Path, plist: Path, status: dict[str, object], job: Job) -> None:
    Launchctl(GUI).bootstrap(LABEL, plist)
    (state / "jobs" / LABEL / "status.json").write_text(json.dumps(status))
    assert Launchctl(GUI).seen(LABEL) == job


# the manager


def _instance(home: Path) -> InstancePaths:
    paths = InstancePaths("a", home / ".ccmux-a")
    for directory in (paths.data, paths.run):
        directory.mkdir(parents=True)
    paths.config.touch()
    return paths


def _installed(home: Path, search: str = "/opt/x/bin") -> Launchd:
    services = Launchd("user")
    for path, text in services.files(Program("/x/ccmux", search, "C.UTF-8", home)).items():
        write_if_changed(path, text)
    return services


def test_with_services_installed_and_no_instance_the_next_one_gets_its_jobs(state: Path) -> None:
    home = state.parent
    assert manager().kind == "detached"
    _installed(home)
    assert [path.name for path in (home / "Library" / "LaunchAgents").glob("*")] == []
    paths = _instance(home)
    found = manager()
    assert found.kind == "launchd"
    found.launch(paths)
    jobs = sorted((home / "Library" / "LaunchAgents").iterdir())
    assert [path.stem for path in jobs] == [LABEL, SESSION]
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in jobs)
    assert all("<string>/opt/x/bin:" in path.read_text() for path in jobs)  # as installed, not as this caller has it
    assert _verbs(state, "enable", "bootstrap") == [
        f"enable {SESSION}",
        f"bootstrap {SESSION}",
        f"enable {LABEL}",
        f"bootstrap {LABEL}",
    ]
    assert [(unit.name, unit.state, unit.pid, unit.at_boot) for unit in found.units(paths)] == [
        (SESSION, "running", 4711, True),
        (LABEL, "running", 4711, True),
    ]


def test_a_restart_touches_the_daemon_alone(state: Path) -> None:
    services, paths = _installed(state.parent), _instance(state.parent)
    services.launch(paths)
    (state / "calls").unlink()
    services.relaunch(paths)
    assert _verbs(state) == [f"kickstart {LABEL}"]
    assert ["kickstart", "-k", f"{GUI}/{LABEL}"] in mac.calls(state)
    services = _installed(state.parent, "/opt/y/bin")
    (state / "calls").unlink()
    services.relaunch(paths)  # launchd reads a file only when it is loaded
    assert _verbs(state) == [f"bootout {LABEL}", f"bootstrap {LABEL}"]
    (state / "calls").unlink()
    services.relaunch(paths)
    assert _verbs(state) == [f"kickstart {LABEL}"]


def test_a_restart_of_what_is_not_loaded_loads_it(state: Path) -> None:
    services, paths = _installed(state.parent), _instance(state.parent)
    services.relaunch(paths)
    assert _verbs(state) == [f"bootstrap {SESSION}", f"bootstrap {LABEL}"]


def test_a_stop_ends_the_daemon_first_and_can_be_repeated(state: Path) -> None:
    services, paths = _installed(state.parent), _instance(state.parent)
    services.launch(paths)
    (state / "calls").unlink()
    assert services.end(paths)
    assert _verbs(state) == [f"bootout {LABEL}", f"bootout {SESSION}"]
    assert not services.end(paths)
    services.launch(paths)
    assert [unit.state for unit in services.units(paths)] == ["running", "running"]
    services.end(paths)
    services.forget(paths)
    services.forget(paths)
    assert [unit.at_boot for unit in services.units(paths)] == [False, False]


def test_a_job_that_a_person_disabled_is_enabled(state: Path) -> None:
    services, paths = _installed(state.parent), _instance(state.parent)
    for act in (lambda: services.launch(paths), lambda: services.keep(paths, Program("/x", "/bin", "C", state.parent))):
        services.end(paths)
        for label in (SESSION, LABEL):
            (state / f"disabled-{label}").touch()
        act()
        assert list(state.glob("disabled-*")) == []


def test_jobs_of_the_system(state: Path) -> None:
    """In a directory that stands for `/`."""
    paths, user = _instance(state.parent), pwd.getpwuid(os.getuid()).pw_name
    services = Launchd("system", user, root=state.parent / "root")
    services.jobs.person = state.parent  # where that user would have his home
    services.keep(paths, Program("/x/ccmux", "/bin", "C.UTF-8", state.parent))
    services.launch(paths)
    library = state.parent / "root" / "Library"
    assert ["bootstrap", "system", str(library / "LaunchDaemons" / f"{LABEL}.plist")] in mac.calls(state)
    assert [unit.state for unit in services.units(paths)] == ["running", "running"]
    assert services.notes() == []
    # who is not root may look, and is told what to do
    mac.have(state, denied=["bootout", "bootstrap", "kickstart", "enable"])
    services.launch(paths)
    for act in (lambda: services.relaunch(paths), lambda: services.end(paths)):
        with pytest.raises(CcmuxError, match="not permitted") as error:
            act()
        assert error.value.fix.startswith("sudo launchctl ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make anything for another user")
def test_the_directory_of_the_logs_is_the_persons(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    home = state.parent / "home"
    monkeypatch.setenv("CCMUX_HOME", str(home))
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    state.parent.chmod(0o755)
    paths = _instance(home)
    services = Launchd("system", "nobody", root=state.parent / "root")
    services.jobs.person = home
    services.keep(paths, Program("/x/ccmux", "/bin", "C.UTF-8", home))
    assert [path.stat().st_uid for path in (home / "Library", home / "Library/Logs/ccmux")] == [nobody.pw_uid] * 2
    assert os.geteuid() == 0
    (job,) = (state.parent / "root/Library/LaunchDaemons").glob("*.daemon.plist")
    assert job.stat().st_uid == 0
    # a link of his leads nobody astray
    (home / "Library/Logs/ccmux").rmdir()
    (home / "Library/Logs").rmdir()
    (home / "Library/Logs").symlink_to(state.parent / "root")
    with pytest.raises(CcmuxError, match="cannot be written"):
        services.keep(paths, Program("/x/ccmux", "/bin", "C.UTF-8", home))


def test_another_homes_instance_of_the_same_name_is_left_alone(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services, paths = _installed(state.parent), _instance(state.parent)
    services.launch(paths)
    other = state.parent / "other"
    monkeypatch.setenv("CCMUX_HOME", str(other))
    other.mkdir()
    theirs = _instance(other)
    services = _installed(other)
    assert installed() is not None
    (state / "calls").unlink()
    with pytest.raises(UsageError, match="launchd runs another a already, of"):
        services.launch(theirs)
    with pytest.raises(UsageError, match="launchd runs another a already, of"):
        services.relaunch(theirs)
    assert not services.end(theirs)
    services.forget(theirs)
    assert services.deactivate() == []
    assert services.units(theirs) == ()
    assert _verbs(state) == []
    monkeypatch.delenv("CCMUX_HOME")
    assert [unit.at_boot for unit in services.units(paths)] == [True, True]


def test_jobs_of_a_home_that_was_deleted_by_hand_go_with_the_services(state: Path) -> None:
    services, paths = _installed(state.parent), _instance(state.parent)
    services.launch(paths)
    paths.config.unlink()
    assert len(services.deactivate()) == 2
    assert _verbs(state)[-2:] == [f"bootout {LABEL}", f"bootout {SESSION}"]
    assert list((state.parent / "Library" / "LaunchAgents").iterdir()) == []


def test_what_install_wrote_must_be_readable(state: Path) -> None:
    _installed(state.parent)
    (file,) = (state.parent / "Library" / "Application Support" / "ccmux").iterdir()
    file.write_text("{")
    with pytest.raises(CcmuxError, match="cannot be read") as error:
        installed()
    assert error.value.fix == "ccmux service install"


def test_a_setting_decides_which_manager_there_is(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(state.parent)
    assert manager().kind == "launchd"
    monkeypatch.setenv("CCMUX_MANAGER", "none")
    assert manager().kind == "detached"
    assert of_this_system("user", "") is None
    monkeypatch.setenv("CCMUX_MANAGER", "systemd")
    assert installed() is None
    monkeypatch.setenv("CCMUX_MANAGER", "upstart")
    with pytest.raises(UsageError, match="none of systemd, launchd, none"):
        manager()
