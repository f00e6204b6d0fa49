"""Every rendered job against launchd.plist(5): an unknown key, a wrong type or a relative path fails."""

from __future__ import annotations

import plistlib
import re
from pathlib import Path
from typing import Any

import pytest

from ccmux.errors import UsageError
from ccmux.managers import plists
from ccmux.managers.jobs import Jobs
from ccmux.managers.program import Program
from ccmux.resources import resource

Kind = type | tuple[type, ...]
KEYS: dict[str, Kind] = {
    "Label": str,
    "Disabled": bool,
    "UserName": str,
    "GroupName": str,
    "inetdCompatibility": dict,
    "LimitLoadToHosts": list,
    "LimitLoadFromHosts": list,
    "LimitLoadToSessionType": (str, list),
    "LimitLoadToHardware": dict,
    "LimitLoadFromHardware": dict,
    "Program": str,
    "BundleProgram": str,
    "ProgramArguments": list,
    "EnableGlobbing": bool,
    "EnableTransactions": bool,
    "EnablePressuredExit": bool,
    "KeepAlive": (bool, dict),
    "RunAtLoad": bool,
    "RootDirectory": str,
    "WorkingDirectory": str,
    "EnvironmentVariables": dict,
    "Umask": (int, str),
    "TimeOut": int,
    "ExitTimeOut": int,
    "ThrottleInterval": int,
    "InitGroups": bool,
    "WatchPaths": list,
    "QueueDirectories": list,
    "StartOnMount": bool,
    "StartInterval": int,
    "StartCalendarInterval": (dict, list),
    "StandardInPath": str,
    "StandardOutPath": str,
    "StandardErrorPath": str,
    "Debug": bool,
    "WaitForDebugger": bool,
    "SoftResourceLimits": dict,
    "HardResourceLimits": dict,
    "Nice": int,
    "ProcessType": str,
    "AbandonProcessGroup": bool,
    "LowPriorityIO": bool,
    "LowPriorityBackgroundIO": bool,
    "MaterializeDatalessFiles": bool,
    "LaunchOnlyOnce": bool,
    "MachServices": dict,
    "Sockets": dict,
    "LaunchEvents": dict,
    "SessionCreate": bool,
    "LegacyTimers": bool,
    "AssociatedBundleIdentifiers": (str, list),
}
PROCESS_TYPES = {"Background", "Standard", "Adaptive", "Interactive"}
LIMITS = {
    "Core",
    "CPU",
    "Data",
    "FileSize",
    "MemoryLock",
    "NumberOfFiles",
    "NumberOfProcesses",
    "ResidentSetSize",
    "Stack",
}
ENVIRONMENT = {"CCMUX_HOME", "HOME", "USER", "LOGNAME", "PATH", "LANG"}
PATHS = ("Program", "RootDirectory", "WorkingDirectory", "StandardInPath", "StandardOutPath", "StandardErrorPath")
SECRET = re.compile(r"sk-ant|sk-[A-Za-z0-9]{8}|(?i:bearer|secret|password|oauth|api.?key|auth.?token)")

HOMES = (
    "/Users/ann",
    "/Users/Ann O'Neil & Söhne <x>",
    '/Volumes/A "B" 100%',
    "/Users/@PATH@ @NAME@",
    "/Users/$(id) `id` \\ ; #",
    "/Users/名前 ]]> &amp;",
)
NAMES = ("a", "main", "a--b-", "x" * 32)


def wrong(job: dict[str, Any], *, system: bool) -> list[str]:
    """What launchd, or we, would not have in a job."""
    found = [f"unknown key {key}" for key in job if key not in KEYS]
    for key, value in job.items():
        kind = KEYS.get(key, object)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            found.append(f"{key} is a {type(value).__name__}")
    strings = list(_strings(job))
    found += [f"{text!r} looks like a secret" for text in strings if SECRET.search(text)]
    found += [f"{key} is not absolute" for key in PATHS if not str(job.get(key, "/")).startswith("/")]
    found += [] if job["ProgramArguments"][0].startswith("/") else ["ProgramArguments[0] is not absolute"]
    found += [] if all(isinstance(word, str) for word in job["ProgramArguments"]) else ["an argument is no string"]
    found += [] if job.get("ProcessType", "Standard") in PROCESS_TYPES else ["ProcessType"]
    found += [] if type(job.get("Umask")) is int and job["Umask"] == 0o077 else ["Umask"]
    for limits in ("SoftResourceLimits", "HardResourceLimits"):
        found += [
            f"{limits}: {key}"
            for key, value in job.get(limits, {}).items()
            if key not in LIMITS or type(value) is not int
        ]
    found += [] if set(job["EnvironmentVariables"]) == ENVIRONMENT else ["another environment"]
    found += [] if ("UserName" in job) is system else ["UserName is for services of the system, and only there"]
    found += [] if job["KeepAlive"] is True and job["RunAtLoad"] is True else ["it is not kept alive"]
    found += (
        []
        if not job.get("AbandonProcessGroup") and not job.get("EnableTransactions")
        else ["a key that loses something"]
    )
    return found


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [value] if isinstance(value, str) else []


def _program(home: str) -> Program:
    return Program(f"{home}/.venv/bin/ccmux", f"{home}/bin:/usr/bin", "en_US.UTF-8", Path(home), "ann")


@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("name", NAMES)
def test_every_job_is_right(monkeypatch: pytest.MonkeyPatch, name: str, home: str, system: bool) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-not-for-everybody")
    texts = plists.rendered(name, _program(home), Path(home), system=system)
    assert list(texts) == [f"com.ccmux.{name}.session", f"com.ccmux.{name}.daemon"]
    for label, text in texts.items():
        job = plistlib.loads(text.encode())
        assert wrong(job, system=system) == []
        assert job["Label"] == label
        assert plistlib.loads(plistlib.dumps(job)) == job
        environment = job["EnvironmentVariables"]
        assert environment["CCMUX_HOME"] == environment["HOME"] == home
        assert {"/opt/homebrew/bin", "/usr/bin", f"{home}/bin"} <= set(environment["PATH"].split(":"))
        assert job["StandardErrorPath"].startswith(f"{home}/Library/Logs/ccmux/{name}.")
    session, daemon = (plistlib.loads(text.encode()) for text in texts.values())
    assert session["ProgramArguments"] == [f"{home}/.venv/bin/ccmux", "session", name, "--stay"]
    assert daemon["ProgramArguments"] == [f"{home}/.venv/bin/ccmux", "run", name, "--no-server", "--stay"]
    assert (session["ProcessType"], daemon["ProcessType"]) == ("Interactive", "Standard")
    assert (session["ExitTimeOut"], daemon["ExitTimeOut"], daemon["ThrottleInterval"]) == (45, 30, 10)


@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("home", HOMES)
def test_the_job_of_a_gateway_is_right(home: str, system: bool) -> None:
    job = plistlib.loads(plists.gateway("slack-a", _program(home), Path(home), system=system).encode())
    assert wrong(job, system=system) == []
    assert job["Label"] == "com.ccmux.slack-a.gateway"
    assert job["ProgramArguments"] == [f"{home}/.venv/bin/ccmux", "gateway", "slack-a"]
    assert job["EnvironmentVariables"]["CCMUX_HOME"] == home


def test_the_table_finds_what_is_wrong() -> None:
    (text, _) = plists.rendered("a", _program("/Users/ann"), Path("/Users/ann"), system=False).values()
    right = plistlib.loads(text.encode())
    for change in (
        {"KeepAlives": True},
        {"Umask": "077"},
        {"Umask": True},
        {"ProcessType": "interactive"},
        {"ThrottleInterval": "10"},
        {"ExitTimeOut": True},
        {"KeepAlive": {"Crashed": True}},
        {"ProgramArguments": ["ccmux", "run"]},
        {"UserName": "ann"},
        {"StandardErrorPath": "logs/x"},
        {"EnvironmentVariables": right["EnvironmentVariables"] | {"LANG": "sk-ant-api03-x"}},
        {"EnvironmentVariables": right["EnvironmentVariables"] | {"ANTHROPIC_BASE_URL": "x"}},
        {"SoftResourceLimits": {"Files": 1}},
        {"AbandonProcessGroup": True},
    ):
        assert wrong(right | change, system=False) != [], change


def test_the_templates_hold_no_key_that_launchd_does_not_know() -> None:
    files = sorted(path.name for path in resource("launchd").iterdir())
    assert files == ["daemon.plist", "gateway.plist", "session.plist"]
    for name in files:
        assert set(plistlib.loads(resource("launchd", name).read_bytes())) <= set(KEYS)


def test_a_home_that_no_plist_can_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot stand in a plist"):
        plists.rendered("a", _program("/Users/a\x07b"), Path("/Users/ann"), system=False)


def test_whose_a_file_is(tmp_path: Path) -> None:
    texts = plists.rendered("a", _program("/Users/ann"), Path("/Users/ann"), system=False)
    file = tmp_path / "x.plist"
    for content, home in (
        (texts["com.ccmux.a.daemon"], "/Users/ann"),
        ("", ""),
        ("<plist><dict></dict></plist>", ""),
        ("not xml <", ""),
        ("<plist><array/></plist>", ""),
    ):
        file.write_text(content)
        assert plists.home_of(file) == home
    assert plists.home_of(tmp_path / "none.plist") == ""


def test_jobs_stand_where_launchd_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    person, system = Jobs("user", "", tmp_path), Jobs("system", "root", tmp_path)
    assert person.file("com.ccmux.a.daemon") == tmp_path / "ann/Library/LaunchAgents/com.ccmux.a.daemon.plist"
    assert system.file("com.ccmux.a.daemon") == tmp_path / "Library/LaunchDaemons/com.ccmux.a.daemon.plist"
    wanted = Program("/x/ccmux", "/bin", "C", tmp_path / "ann", "")
    (job,) = (plistlib.loads(text.encode()) for path, text in system.of("a", wanted).items() if "daemon" in path.name)
    assert job["UserName"] == job["EnvironmentVariables"]["USER"] == "root"
    with pytest.raises(UsageError, match="no user"):
        Jobs("system", "nobody-of-that-name", tmp_path)
