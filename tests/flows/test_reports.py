"""Reports go up, directives come down, nothing else crosses: with two or three real instances."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ccmux.standin import StandIn
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
    """The latest report of the project of which that is true."""

    def found() -> list[dict[str, Any]]:
        return [one for one in logged(rig) if one["project"] == name and true(one)]

    return until(found, f"{name} has reported that")[-1]


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
    until(lambda: "Analyzing March IPO pipeline, 3/7" in rig.run("projects"), "the dashboard shows it")
    call = {"project": "ipo-analysis", "content": "Admin wants a summary", "priority": "high"}
    rig.standin.queue({"tool": "mcp__ccmux__direct", "input": call})
    rig.ask("main", "have ipo-analysis write a summary")
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
    until(lambda: "local" in dashboard(rig), "the dashboard has it")
    assert [dashboard(rig)[name]["progress"] for name in ("ipo-analysis", "local")] == ["4/7", EXAMPLE["progress"]]
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
    until(lambda: dashboard(rig)["project-a"]["status"] == "idle", "nobody is told any more that it is blocked")
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
    until(lambda: dashboard(rig)["project-a"]["current_task"] == "task 49", "the dashboard shows the last")
    rig.run("wire", "check")


def test_names_that_meet_on_one_channel(rig: Rig) -> None:
    pair(rig, "project-a")
    row(rig, "project-a", lambda one: one)
    assert (rig.paths("main").run / "out.project-a").is_fifo()
    rig.new("a", "--no-start")
    (first, second) = sorted(rig.json("wire", "ls")["wires"], key=lambda one: str(one["project"]))
    assert (first["project"], first["wired"], second["wired"]) == ("a", False, True)
    assert "another project's" in rig.run("wire", "check", code=1)


def test_without_an_assistant_out_report_is_lines_for_whoever_reads(rig: Rig) -> None:
    project(rig, "project-a")
    rig.run("report", "project-a", "--task", "one", "--alert", "look")
    for number in range(5):
        rig.run("report", "project-a", "--progress", f"{number}/5")
    lines: list[dict[str, Any]] = []

    def read() -> bool:
        argv = ["timeout", "2", "cat", str(rig.paths("project-a").run / "out.report")]
        run = subprocess.run(argv, capture_output=True, text=True, check=False)
        lines.extend(map(json.loads, run.stdout.splitlines()))
        return bool(lines) and lines[-1]["progress"] == "4/5"

    until(read, "the last word is told")
    assert lines[0]["type"] == "session_started"
    assert [one["alerts"] for one in lines if one["alerts"]] == [["look"]]
    assert set(lines[-1]) == set(EXAMPLE)
    assert rig.json("outbox", "project-a")["replies"] == []
    rig.run("report", "project-a", code=2)
    rig.run("projects", code=3)


def test_a_flood_is_held_to_the_latest_and_events_are_kept(rig: Rig) -> None:
    rig.new("main")
    project(rig, "project-a", coalesce=3600)
    row(rig, "project-a", lambda one: one)
    for number in range(8):
        rig.run("report", "project-a", "--progress", f"{number}/8")
    for number in range(3):
        rig.run("report", "project-a", "--task", f"task {number}", "--done")
    rig.run("report", "project-a", "--task", "the last")
    assert rig.json("report", "project-a", "--show")["held"] == 12
    kill(int(rig.paths("project-a").lock.read_text()), signal.SIGKILL)
    rig.run("config", "set", "project-a", "report.coalesce", "0")
    rig.run("start", "project-a")
    row(rig, "project-a", lambda one: one["current_task"] == "the last")
    assert [one["current_task"] for one in logged(rig) if one["type"] == "task_completed"] == [
        f"task {n}" for n in range(3)
    ]
    assert [one for one in logged(rig) if one["progress"].endswith("/8") and one["type"] == "status_update"] == []


def test_the_figures_are_those_of_the_transcript(rig: Rig) -> None:
    rig.new("main")
    rig.new("project-a", "--no-start")
    for key, value in (("report.coalesce", "0"), ("report.tokens_alert", "50000"), ("timezone", "Asia/Kathmandu")):
        rig.run("config", "set", "project-a", key, value)
    paths = rig.paths("project-a")
    rows: list[dict[str, Any]] = []
    begin = time.time() - 600

    def clock(seconds: float) -> str:
        return datetime.fromtimestamp(begin + seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    for turn in range(3):  # 3 turns of 60 s; in each one message in two rows, the latter of which counts
        at = turn * 120.0
        rows.append({"type": "user", "uuid": f"u{turn}", "timestamp": clock(at), "isSidechain": False, "promptId": f"p{turn}",
                     "message": {"role": "user", "content": "hello"}})  # fmt: skip
        for output in (1, 1000 * (turn + 1)):
            usage = {
                "input_tokens": 10,
                "output_tokens": output,
                "cache_read_input_tokens": 20000,
                "cache_creation_input_tokens": 300,
            }
            message = {"id": f"m{turn}", "model": "claude-x", "usage": usage, "content": [], "stop_reason": "end_turn"}
            rows.append({"type": "assistant", "uuid": f"a{turn}{output}", "timestamp": clock(at + 30), "isSidechain": False,
                         "message": message})  # fmt: skip
        rows.append({"type": "system", "subtype": "turn_duration", "durationMs": 60000, "uuid": f"s{turn}",
                     "timestamp": clock(at + 60), "isSidechain": False})  # fmt: skip
    folder = paths.claude / "projects" / "-somewhere"
    folder.mkdir(parents=True)
    (folder / "11111111-1111-4111-8111-111111111111.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    for number, total in ((1, 0.0), (2, 0.75), (3, 2.125)):
        told = {"session_id": "s", "cost": {"total_cost_usd": total}}
        file = paths.cost_spool / f"{int(begin + number) * 10**9}-1.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(told))
    rig.run("start", "project-a")
    rig.wait_state("project-a", "idle")
    tokens = 3 * (10 + 20000 + 300) + 1000 + 2000 + 3000
    until(lambda: [one for one in logged(rig) if one["type"] == "budget"], "the threshold is reported")
    rig.run("report", "project-a", "--task", "x")
    one = row(rig, "project-a", lambda one: one["current_task"] == "x")
    assert (one["session_tokens_today"], one["session_cost_today"], one["active_minutes_today"]) == (tokens, 2.125, 3)
    assert one["ts"].endswith("+05:45")
    assert one["last_interaction"] == ""
    rig.run("restart", "project-a")
    rig.run("report", "project-a", "--task", "y")
    row(rig, "project-a", lambda one: one["current_task"] == "y")
    assert [one["alerts"] for one in logged(rig) if one["type"] == "budget"] == [
        [f"{tokens:,} tokens were used today, more than 50,000"]
    ]
    (used,) = rig.json("usage", "--by", "model")["usage"]
    assert (used["model"], used["tokens"]["total"]) == ("claude-x", tokens)
    assert rig.json("usage", "--by", "instance")["usage"][0]["cost_usd"] == 2.125


CANARIES = {
    "path": "/srv/canary-path/plan.py",
    "home": "~/canary-home/notes",
    "up": "../canary-up",
    "url": "https://canary-url.example/x",
    "mail": "canary-mail@example.org",
    "key": "sk-ant-api03-canary-key-0001",
    "slack": "xoxb-1234-canary-slack",
    "cloud": "AKIACANARYCLOUD00001",
    "code": "`canary_code()`",
    "token": "canarytoken0123456789abcdef0123",
    "bearer": "Bearer canary-bearer",
    "tag": "<canary-tag>",
}


def bodies(standin: StandIn) -> str:
    return "\n".join(json.dumps(request.body, ensure_ascii=False) for request in standin.requests())


def stored(home: Path) -> str:
    """Everything that an instance keeps, its own transcripts included."""
    found = []
    for file in home.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a spool is emptied meanwhile
            if file.is_file() and not file.is_symlink():
                found.append(file.read_bytes().decode("utf-8", "replace"))
    return "\n".join(found)


def marks(text: str) -> set[str]:
    return {
        name
        for name in (*CANARIES, "chat", "file", "private", "memory")
        if re.search(f"canary.?{name}", text, re.IGNORECASE)
    }


def test_nothing_but_reports_and_directives_crosses(rig: Rig) -> None:
    with StandIn() as of_main, StandIn() as of_b:
        own = rig.env["ANTHROPIC_BASE_URL"]
        rig.env["ANTHROPIC_BASE_URL"] = of_main.url
        rig.project("main").joinpath("CLAUDE.md").write_text("The person's canary-memory.\n")
        rig.new("main")
        rig.env["ANTHROPIC_BASE_URL"] = of_b.url
        project(rig, "project-b")
        rig.env["ANTHROPIC_BASE_URL"] = own
        rig.project("project-a").joinpath("CLAUDE.md").write_text("See canary-file.\n")
        project(rig, "project-a")
        words = [f"plainly {value} said" for value in CANARIES.values()]
        for begin in range(0, len(words), 3):
            some = " and ".join(words[begin : begin + 3])
            call = {
                "task": some,
                "progress": some,
                "alerts": words[begin : begin + 3],
                "deliverables": list(CANARIES.values()),
            }
            rig.standin.queue({"tool": "mcp__ccmux__report", "input": call}, {"text": f"canary-chat {some}"})
            rig.ask("project-a", f"canary-chat: report {some}")
        leak = EXAMPLE | {
            "transcript": words,
            "canary-file": 1,
            "deliverables": list(CANARIES.values()),
            "progress": words[0],
        }
        echo(json.dumps(leak), rig.paths("project-a").run / "out.report")
        row(rig, "project-a", lambda one: one["session_tokens_today"] == EXAMPLE["session_tokens_today"])
        echo(json.dumps(leak | {"alerts": words}), rig.paths("main").run / "in.project-report")
        until(lambda: any(one.get("unverified") for one in logged(rig)), "that of a hand, too")
        of_main.queue({"tool": "mcp__ccmux__projects", "input": {}}, {"text": "fine"})
        assert rig.ask("main", "canary-private: how are my projects doing?") == "fine"
        of_main.queue({"tool": "mcp__ccmux__project_reports", "input": {"project": "project-a"}}, {"text": "fine"})
        assert rig.ask("main", "and project-a?") == "fine"
        call = {"project": "project-a", "content": "Plainly directed"}
        of_main.queue({"tool": "mcp__ccmux__direct", "input": call}, {"text": "given"})
        rig.ask("main", "canary-private: have it done")
        until(lambda: "Plainly directed" in bodies(rig.standin), "the directive has come")
        rig.ask("project-b", "hello")
        assert marks(bodies(rig.standin)) == {*CANARIES, "chat", "file"}  # the control: they were there to be told
        assert marks(bodies(of_main)) == {"private", "memory"}
        assert bodies(of_main).count("plainly") > 4  # the control: words do cross
        assert marks(bodies(of_b)) == set()
        assert marks(stored(rig.paths("main").logs)) == set()
        assert not marks(stored(rig.paths("main").data)) & {*CANARIES, "chat", "file"}
        assert not marks(stored(rig.paths("project-a").home)) & {"private", "memory"}
        assert marks(stored(rig.paths("project-b").home)) == set()


def test_a_project_that_opts_out_and_who_may_speak_for_whom(rig: Rig) -> None:
    rig.new("main")
    project(rig, "project-a", wire="false")
    project(rig, "project-b")
    row(rig, "project-b", lambda one: one["type"] == "session_started")
    reader = subprocess.Popen(
        ["head", "-n", "1", str(rig.paths("project-a").run / "out.report")], stdout=subprocess.PIPE, text=True
    )
    out, _ = reader.communicate(timeout=60)
    assert json.loads(out)["type"] == "session_started"
    assert "project-a" not in dashboard(rig)
    assert "not wired" in rig.run("wire", "ls")
    rig.env["CLAUDE_CONFIG_DIR"] = str(rig.paths("project-b").claude)  # as in the session of project-b
    rig.run("report", "project-a", "--task", "x", code=2)
    rig.run("report", "--task", "mine")
    row(rig, "project-b", lambda one: one["current_task"] == "mine")
    roles = {name: (rig.paths(name).claude / "CLAUDE.md").read_text() for name in ("main", "project-b")}
    assert ["How are my projects doing?" in roles[name] for name in roles] == [True, False]
    assert ["Nothing else goes upward" in roles[name] for name in roles] == [False, True]
