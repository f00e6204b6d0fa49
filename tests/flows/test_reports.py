"""Reports go up, directives come down, nothing else crosses: with two or three real instances."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_report import EXAMPLE
from tests.rig import Rig, kill, until

pytestmark = pytest.mark.real


def pair(rig: Rig, name: str = "project-a", **settings: object) -> None:
    """The assistant, and a project whose reports are not held back."""
    rig.new("main")
    project(rig, name, **settings)


def project(rig: Rig, name: str, **settings: object) -> None:
    wanted = {"coalesce": 0, **settings}
    rig.configured(name, *(f"report.{key}={value}" for key, value in wanted.items()))
    rig.wait_state(name, "idle")


def dashboard(rig: Rig) -> dict[str, dict[str, Any]]:
    file = rig.paths("main").data / "projects" / "dashboard.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return {row["project"]: row for row in map(json.loads, lines)}


def logged(rig: Rig) -> list[dict[str, Any]]:
    file = rig.paths("main").data / "projects" / "reports.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def row(rig: Rig, name: str, true: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        one = dashboard(rig).get(name)
        return one if one is not None and true(one) else None

    return until(found, f"{name} has reported that") or {}


def echo(text: str, fifo: Path) -> None:
    subprocess.run(["sh", "-c", 'printf "%s\\n" "$1" > "$2"', "-", text, str(fifo)], check=True, timeout=30)


def test_a_report_travels_and_a_directive_comes_back_with_nothing_configured(rig: Rig) -> None:
    project(rig, "ipo-analysis")
    rig.new("main")  # later than the project
    started = row(rig, "ipo-analysis", lambda one: one["type"] == "session_started")
    assert started["status"] in ("idle", "active", "busy")
    rig.run("report", "ipo-analysis", "--task", "Analyzing March IPO pipeline", "--progress", "3/7 companies analyzed",
            "--deliverable", "output/march_ipo_report.md")  # fmt: skip
    said = row(rig, "ipo-analysis", lambda one: one["progress"] == "3/7 companies analyzed")
    assert said["deliverables"] == ["output/march_ipo_report.md"]
    assert "unverified" not in said
    assert "Analyzing March IPO pipeline, 3/7" in rig.run("projects")
    call = {"project": "ipo-analysis", "content": "Admin wants a summary", "priority": "high"}
    rig.standin.queue({"tool": "mcp__ccmux__direct", "input": call}, {"text": "given"})
    assert rig.ask("main", "have ipo-analysis write a summary") == "given"
    done = row(rig, "ipo-analysis", lambda one: one["type"] == "task_completed")
    assert done["session_tokens_today"] > 0
    (message,) = [one["message"] for one in rig.history("ipo-analysis")]
    assert (message["channel"], message["sender"], message["urgent"]) == ("boss", "personal-assistant", True)
    assert message["text"] == "Admin wants a summary"
    assert rig.json("approvals", "main")["approvals"] == []


def test_claude_reports_and_asks_by_tools_that_need_no_question(rig: Rig) -> None:
    pair(rig)
    words = {"task": "Parse", "progress": "half of /srv/secret/x.py", "alerts": ["which format?"], "done": False}
    rig.standin.queue({"tool": "mcp__ccmux__report", "input": words}, {"text": "told"})
    assert rig.ask("project-a", "go on") == "told"
    said = row(rig, "project-a", lambda one: one["current_task"] == "Parse")
    assert (said["progress"], said["alerts"], said["cut"]) == ("half of", ["which format?"], 1)
    assert rig.json("report", "project-a", "--show")["cut"] == {"progress": 1}
    rig.standin.queue({"tool": "mcp__ccmux__projects", "input": {}}, {"text": "seen"})
    assert rig.ask("main", "how are my projects doing?") == "seen"
    assert any("which format?" in json.dumps(request.body) for request in rig.standin.requests())
    rig.standin.queue(
        {"tool": "Bash", "input": {"command": "ccmux report --done --progress finished", "description": "x"}},
        {"text": "x"},
    )
    wrapper = rig.home / "bin" / "ccmux"
    wrapper.write_text(f'#!/bin/sh\nCCMUX_HOME={rig.home} exec {sys.executable} -m ccmux "$@"\n')
    wrapper.chmod(0o755)
    rig.ask("project-a", "finish")
    assert row(rig, "project-a", lambda one: one["type"] == "task_completed")["progress"] == "finished"
    assert rig.json("approvals", "--all")["approvals"] == []


def test_lines_that_a_person_echoes(rig: Rig) -> None:
    pair(rig, "ipo-analysis")
    row(rig, "ipo-analysis", lambda one: one)
    run, main = rig.paths("ipo-analysis").run, rig.paths("main").run
    echo(json.dumps(EXAMPLE | {"project": "main", "progress": "4/7"}), run / "out.report")
    assert row(rig, "ipo-analysis", lambda one: one["progress"] == "4/7")["session_tokens_today"] == 12500000
    echo(json.dumps(EXAMPLE), main / "in.project-report")  # an instance of that name exists: it is not believed for it
    echo(json.dumps(EXAMPLE | {"project": "gone"}), main / "in.project-report")
    local = row(rig, "local", lambda one: one)
    assert local["unverified"] is True
    assert dashboard(rig)["ipo-analysis"]["progress"] == "4/7"
    assert [one["progress"] for one in logged(rig) if one.get("unverified")] == [EXAMPLE["progress"]] * 2
    echo(json.dumps(EXAMPLE | {"session_tokens_today": "many"}), main / "in.project-report")
    (wrong,) = until(lambda: rig.history("main"), "it is kept as rejected")
    assert "session_tokens_today" in wrong["message"]["reason"]
    given = {"type": "task", "from": "the king", "content": "Sum it up", "priority": "high", "deadline": None}
    echo(json.dumps(given), main / "out.project-ipo-analysis")
    until(lambda: [one["message"]["state"] for one in rig.history("ipo-analysis")] == ["done"], "it is done")
    echo("plainly said", main / "out.project-ipo-analysis")
    late = given | {"content": "Too late", "deadline": "2020-01-01T00:00:00+00:00"}
    echo(json.dumps(late), run / "in.boss")
    until(lambda: len(rig.history("ipo-analysis")) == 3, "all have come")
    messages = [one["message"] for one in rig.history("ipo-analysis")]
    assert [one["text"].partition("\n")[0] for one in messages] == ["Sum it up", "plainly said", "Too late"]
    assert {one["channel"] for one in messages} == {"boss"}
    assert not {one["sender"] for one in messages} & {"the king", "personal-assistant"}
    assert [one["urgent"] for one in messages] == [True, False, True]
    until(
        lambda: [alert for one in logged(rig) for alert in one["alerts"] if "deadline" in alert],
        "the assistant is told",
    )
    assert not any("Too late" in prompt for prompt in rig.prompts())


def test_what_a_person_must_decide_is_reported_and_told_and_so_is_an_end(rig: Rig) -> None:
    word = rig.home / "word"
    rig.configured("main", f"notify.command=cat >> {word}")
    project(rig, "project-a")
    rig.run(
        "send",
        "project-a",
        '<<standin [{"tool": "Bash", "input": {"command": "touch x", "description": "x"}}, {"text": "ok"}]>>',
    )
    blocked = row(rig, "project-a", lambda one: one["type"] == "blocked")
    assert blocked["status"] == "blocked"
    (asked,) = rig.json("approvals", "project-a")["approvals"]
    assert blocked["alerts"] == [f"approval {asked['code']} waits for an answer"]
    until(lambda: word.exists() and "project-a: approval" in word.read_text(), "the person is told")
    assert "touch" not in json.dumps(logged(rig))
    rig.run("approve", asked["code"])
    row(rig, "project-a", lambda one: one["alerts"] == [] and one["type"] == "status_update")
    rig.run("stop", "project-a")
    rig.run("start", "project-a")
    kinds = until(lambda: [one["type"] for one in logged(rig)][-2:] == ["session_stopped", "session_started"], "both")
    assert kinds


def test_fifty_reports_arrive_once_while_either_daemon_is_killed(rig: Rig) -> None:
    pair(rig)
    row(rig, "project-a", lambda one: one)
    for number in range(50):
        rig.run("report", "project-a", "--done", "--task", f"task {number}")
        if number % 10 == 3:
            victim = "main" if number % 20 == 3 else "project-a"
            kill(int(rig.paths(victim).lock.read_text()), signal.SIGKILL)
            rig.run("start", victim)

    def tasks() -> list[str]:
        return [one["current_task"] for one in logged(rig) if one["type"] == "task_completed"]

    until(lambda: len(tasks()) >= 50, "all have come")
    until(lambda: rig.json("wire", "ls")["wires"][0]["reports"] == 0, "all are acknowledged")
    assert sorted(tasks()) == sorted(f"task {number}" for number in range(50))
    assert dashboard(rig)["project-a"]["current_task"] == "task 49"
    rig.run("wire", "check")


def test_names_that_meet_on_one_channel(rig: Rig) -> None:
    pair(rig, "project-a")
    row(rig, "project-a", lambda one: one)
    assert (rig.paths("main").run / "out.project-a").is_fifo()
    rig.new("a", "--no-start")
    (first, second) = sorted(rig.json("wire", "ls")["wires"], key=lambda one: str(one["project"]))
    assert (first["project"], first["wired"], second["wired"]) == ("a", False, True)
    assert "another project's" in rig.run("wire", "check", code=1)
