"""What Claude runs as its status line: kept for the daemon, nothing printed, and a person's own goes on as it was."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ccmux.claude import settings
from ccmux.hooks import entry
from ccmux.hooks import spool as spools
from ccmux.hooks.place import place
from ccmux.paths import InstancePaths

PAYLOAD = json.dumps({"session_id": "s", "cost": {"total_cost_usd": 0.5}}).encode()


@pytest.fixture
def paths(tmp_path: Path) -> InstancePaths:
    made = InstancePaths("x", tmp_path / "in stance")
    for directory in (made.cost_spool, made.claude, tmp_path / "work" / ".claude"):
        directory.mkdir(parents=True)
    place(made.hooks)
    return made


def configured(paths: InstancePaths) -> dict[str, Any]:
    return settings.status_line(paths, paths.home.parent / "work")


def run(paths: InstancePaths, payload: bytes = PAYLOAD) -> subprocess.CompletedProcess[bytes]:
    """As Claude does: by a shell."""
    command = configured(paths)["command"]
    return subprocess.run(["sh", "-c", command], input=payload, capture_output=True, check=False, timeout=60)


def kept(paths: InstancePaths) -> list[bytes]:
    return [payload for _, payload in spools.pending(paths.cost_spool)]


def test_it_is_kept_and_nothing_is_printed(paths: InstancePaths) -> None:
    for _ in range(2):
        done = run(paths)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert kept(paths) == [PAYLOAD, PAYLOAD]


@pytest.mark.parametrize(
    "where", ["work/.claude/settings.json", "work/.claude/settings.local.json", "in stance/claude/settings.json"]
)
def test_a_persons_own_gets_and_prints_what_it_would_have(paths: InstancePaths, where: str) -> None:
    theirs = {"type": "command", "command": "cat; echo ' it'\"'\"'s mine'; exit 3", "padding": 2}
    (paths.home.parent / where).write_text(json.dumps({"statusLine": theirs}))
    assert configured(paths)["padding"] == 2
    big = PAYLOAD + b" " * 200_000
    done = run(paths, big)
    assert (done.returncode, done.stdout, done.stderr) == (3, big + b" it's mine\n", b"")
    assert kept(paths) == [big]


def test_the_local_file_of_a_project_counts_before_its_shared_one(paths: InstancePaths) -> None:
    work = paths.home.parent / "work" / ".claude"
    (work / "settings.json").write_text(json.dumps({"statusLine": {"type": "command", "command": "shared"}}))
    (work / "settings.local.json").write_text(json.dumps({"statusLine": {"type": "command", "command": "local"}}))
    assert shlex.split(configured(paths)["command"])[-1] == "local"


@pytest.mark.parametrize("other", ["", "[]", "{", '{"statusLine": 5}', '{"statusLine": {"command": 5}}'])
def test_what_is_no_status_line_is_none(paths: InstancePaths, other: str) -> None:
    (paths.claude / "settings.json").write_text(other)
    assert shlex.split(configured(paths)["command"])[-1] == str(paths.cost_spool)


def test_a_spool_that_is_gone_disturbs_nobody(paths: InstancePaths) -> None:
    (paths.claude / "settings.json").write_text(json.dumps({"statusLine": {"command": "echo mine"}}))
    paths.cost_spool.rmdir()
    done = run(paths)
    assert (done.returncode, done.stdout) == (0, b"mine\n")
    assert b"ccmux status line" in done.stderr


def test_it_imports_next_to_nothing() -> None:
    script = Path(entry.__file__).with_name("statusline.py")
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", str(script), "/nonexistent"],
        input=b"",
        capture_output=True,
        check=False,
    )
    for heavy in (b"asyncio", b"msgspec", b"ccmux", b" json"):
        assert heavy not in run.stderr.replace(b"ccmux status line", b"").replace(b"/ccmux/", b"")
