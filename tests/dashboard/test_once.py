"""The dashboard printed once, by the verb."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.dashboard import office


def run(*words: str, code: int = 0, **more: str) -> str:
    environment = os.environ | {"COLUMNS": "140", "PYTHONPATH": str(Path(__file__).parents[2])} | more
    argv = [sys.executable, "-m", "ccmux", "dashboard", *words]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("columns", [40, 80, 140, 200])
@pytest.mark.usefixtures("still")
def test_a_table(columns: int) -> None:
    lines = run("--once", COLUMNS=str(columns)).splitlines()
    assert len(lines) == 1 + len(office.INSTANCES)
    assert "NAME" in lines[0]
    assert lines[1].split()[1] == "main"
    assert all(cell_len(line) <= columns for line in lines)
    assert "\x1b" not in "".join(lines)


def test_nothing_in_a_report_is_markup(still: Path) -> None:
    hostile = office.report("billing", current_task="[/foo][red]x\x1b[2J")
    (still / ".ccmux" / "data" / "projects" / "dashboard.jsonl").write_text(json.dumps(hostile) + "\n{torn")
    said = run("--once", COLUMNS="220")
    assert "[/foo][red]x\ufffd[2J" in said


@pytest.mark.usefixtures("still")
def test_json() -> None:
    told = json.loads(run("--once", "--json"))
    assert told["v"] == 1
    assert [one["name"] for one in told["instances"]][:2] == ["main", "archive"]
    assert told["reports"] == office.REPORTS
    listed = json.loads(
        subprocess.run(
            [sys.executable, "-m", "ccmux", "ls", "--json"], capture_output=True, check=True, text=True
        ).stdout
    )
    assert told["instances"] == listed["instances"]


def test_without_instances(short_dir: Path) -> None:
    assert "ccmux new" in run("--once", CCMUX_HOME=str(short_dir))
    assert json.loads(run("--once", "--json", CCMUX_HOME=str(short_dir))) == {"v": 1, "instances": [], "reports": []}


@pytest.mark.parametrize("words", [["--json"], ["--port", "1"], ["--once", "--web"], []])
def test_what_cannot_be(words: list[str]) -> None:
    assert "to mend it" in run(*words, code=2)
