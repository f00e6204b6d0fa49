"""What `ccmux usage` tells is what the API served, once, whatever was restarted in between."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.rig import Rig, until

pytestmark = pytest.mark.real

KINDS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation_input_tokens",
}
USAGE = {"input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 30}


def priced(rig: Rig, **more: int) -> None:
    """Have every answer of the model use the same tokens."""
    rig.standin.default({"text": "ok", "usage": USAGE | more})


def served(rig: Rig) -> dict[str, int]:
    """What the API served: each main request, and each counts the same."""
    count = sum(1 for request in rig.standin.requests() if request.main)
    told = {kind: count * USAGE[name] for kind, name in KINDS.items()}
    return told | {"total": sum(told.values())}


def today(rig: Rig, name: str = "a") -> dict[str, Any]:
    (one,) = rig.json("usage", name, "--days", "1")["usage"]
    return dict(one["days"][0]) if one["days"] else {"tokens": {}, "cost_usd": 0.0, "turns": 0, "active_minutes": 0.0}


def counted(rig: Rig, turns: int) -> dict[str, Any]:
    """Wait until everything that was served is counted, and nothing more."""
    until(lambda: today(rig)["tokens"] == served(rig) and today(rig)["turns"] == turns, "all is counted")
    return today(rig)


AGENT = {"description": "sub", "prompt": "go sub please", "subagent_type": "general-purpose"}


def test_tokens_are_what_the_api_served_also_after_a_subagent_a_restart_and_clear(rig: Rig) -> None:
    priced(rig)
    rig.new("a")
    rig.ask("a", "one")
    first = counted(rig, 1)
    assert first["cost_usd"] > 0
    assert first["active_minutes"] > 0
    (model,) = first["models"]
    assert first["models"][model] == first["tokens"]
    rig.standin.queue({"tool": "Agent", "input": AGENT, "usage": USAGE})
    rig.run("send", "a", "with an agent")
    until(lambda: any("go sub please" in request.text for request in rig.standin.requests()), "the subagent asks")
    until(lambda: rig.history("a")[-1]["message"]["state"] == "done", "it is answered")
    until(lambda: today(rig)["tokens"] == served(rig), "the subagent is counted")
    assert list((rig.paths("a").claude / "projects").rglob("subagents/*.jsonl"))
    rig.run("restart", "a")
    rig.wait_state("a", "idle")
    assert today(rig)["tokens"] == served(rig)
    rig.run("clear", "a")
    rig.ask("a", "after clear")
    until(lambda: today(rig)["tokens"] == served(rig), "the fresh conversation is counted")
    assert today(rig)["cost_usd"] > first["cost_usd"]
    assert rig.status("a")["usage"]["tokens"] == served(rig)
    rig.run("stop", "a")
    assert rig.status("a")["usage"]["tokens"] == served(rig)
    assert today(rig)["tokens"] == served(rig)
    assert f"{served(rig)['cache_read']:,}" in rig.run("usage")


def test_what_happens_while_the_daemon_is_down_is_counted_once(rig: Rig) -> None:
    priced(rig)
    rig.new("a")
    rig.ask("a", "one")
    before = counted(rig, 1)
    os.kill(rig.status("a")["daemon"]["pid"], signal.SIGKILL)
    until(lambda: rig.status("a")["state"] == "stopped", "the daemon is gone")
    rig.tmux("a", "send-keys", "-t", "=ccmux-a:", "-l", "typed by a person")
    until(lambda: "❯ typed by a person" in rig.screen("a").replace("\u00a0", " "), "it stands in the box")
    rig.tmux("a", "send-keys", "-t", "=ccmux-a:", "Enter")
    until(lambda: len(served(rig)) and served(rig)["input"] == 2 * USAGE["input_tokens"], "the API is asked")
    spool = rig.paths("a").cost_spool
    until(lambda: list(spool.glob("[0-9]*.json")), "the status line told")
    assert today(rig) == before
    rig.run("start", "a")
    after = counted(rig, 2)
    until(lambda: today(rig)["cost_usd"] > 1.9 * before["cost_usd"], "the cost is counted")
    until(lambda: not list(spool.glob("[0-9]*.json")), "the spool is empty")
    for _ in range(2):
        rig.run("restart", "a")
        rig.wait_state("a", "idle")
    assert today(rig)["tokens"] == after["tokens"]


def test_the_cost_is_what_claude_says_also_after_ends_and_kills(rig: Rig) -> None:
    priced(rig)
    rig.new("a")
    rig.ask("a", "one")
    counted(rig, 1)
    until(lambda: today(rig)["cost_usd"] > 0, "a cost")
    one = today(rig)["cost_usd"]
    for number, end in enumerate(("restart", "kill", "kill"), 2):
        if end == "kill":
            os.kill(rig.status("a")["claude"]["pid"], signal.SIGKILL)
        else:
            rig.run("restart", "a", "--session")
        rig.ask("a", f"number {number}")
        until(lambda number=number: today(rig)["cost_usd"] == pytest.approx(number * one, rel=0.001), "it adds up")  # type: ignore[misc]
    counted(rig, 4)


def test_what_a_person_had_used_before_is_not_counted(rig: Rig) -> None:
    priced(rig)
    rig.new("first")
    rig.ask("first", "one")
    until(lambda: today(rig, "first")["tokens"] == served(rig), "it is counted")
    session = rig.status("first")["session_id"]
    rig.run("stop", "first")
    own = rig.home / ".claude"
    own.mkdir()
    (rig.paths("first").claude / "projects").rename(own / "projects")
    rig.run("new", "a", "--dir", str(rig.project("first")), "--resume", session)
    rig.wait_state("a", "idle")
    before = served(rig)
    rig.ask("a", "two")
    until(lambda: today(rig)["tokens"] == {kind: served(rig)[kind] - before[kind] for kind in before}, "only the new")
    assert today(rig)["turns"] == 1
    until(lambda: today(rig)["cost_usd"] > 0, "the cost of the new turn")
    assert today(rig)["cost_usd"] <= today(rig, "first")["cost_usd"] * 1.001


def test_a_turn_that_is_stopped_and_a_wait_for_a_person(rig: Rig) -> None:
    rig.new("a")
    rig.run("send", "a", '<<standin {"text_size": 2000, "chunk": 20, "chunk_delay": 0.2}>>')
    until(lambda: "line 00" in rig.screen("a"), "it works")
    rig.run("interrupt", "a")
    until(lambda: today(rig)["turns"] == 1, "the stopped turn is counted")
    stopped = today(rig)["active_minutes"]
    assert stopped > 0
    rig.run(
        "send",
        "a",
        '<<standin [{"tool": "Bash", "input": {"command": "touch x", "description": "x"}}, {"text": "ok"}]>>',
    )
    (asked,) = until(lambda: rig.json("approvals", "a")["approvals"], "it is asked")
    with closing(sqlite3.connect(rig.paths("a").journal)) as db, db:  # the person was away for an hour
        db.execute("UPDATE approvals SET created_at = created_at - 3600")
    rig.run("approve", asked["code"])
    until(lambda: today(rig)["turns"] == 2, "the turn is counted")
    assert today(rig)["active_minutes"] - stopped < 0.5


def test_days_are_cut_in_the_configured_zone(rig: Rig) -> None:
    rig.configured("a", "timezone=Pacific/Kiritimati")
    rig.ask("a", "one")
    until(lambda: today(rig)["turns"] == 1, "it is counted")
    assert today(rig)["day"] == datetime.now(ZoneInfo("Pacific/Kiritimati")).date().isoformat()
    assert rig.json("usage", "a", "--days", "3")["usage"][0]["timezone"] == "Pacific/Kiritimati"
    rig.run("config", "set", "a", "timezone", "Mars/Olympus", code=2)
    assert "IANA" in rig.stderr


def test_on_a_subscription_the_cost_is_theoretical(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "one")
    until(lambda: today(rig)["turns"] == 1, "it is counted")
    assert rig.json("usage", "a")["usage"][0]["cost"] == "billed"
    assert "theoretical" not in rig.run("usage")
    del rig.env["ANTHROPIC_API_KEY"]
    rig.paths("a").env.write_text(f"CLAUDE_CODE_OAUTH_TOKEN=x\nANTHROPIC_BASE_URL={rig.env['ANTHROPIC_BASE_URL']}\n")
    assert rig.json("usage", "a")["usage"][0]["cost"] == "theoretical"
    assert "theoretical" in rig.run("usage")


def test_a_status_line_of_the_project_is_shown_as_before(rig: Rig) -> None:
    work = rig.project("a")
    (work / ".claude").mkdir()
    line = {"statusLine": {"type": "command", "command": "echo it is mine"}}
    (work / ".claude" / "settings.json").write_text(json.dumps(line))
    rig.new("a")
    until(lambda: "it is mine" in rig.screen("a"), "the person's line is shown")
    assert rig.ask("a", "one") == "You wrote: one"
    until(lambda: today(rig)["cost_usd"] > 0, "the cost is told nevertheless")
    assert json.loads(Path(work / ".claude" / "settings.json").read_text()) == line
