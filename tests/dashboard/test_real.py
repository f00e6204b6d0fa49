"""What the real Claude asks is answered from the dashboard."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ccmux.dashboard.app import Dashboard
from tests.dashboard.look import until, words
from tests.flows.test_approvals import QUESTION, bash, send, told_claude
from tests.rig import Rig

pytestmark = pytest.mark.real


async def test_a_tool_and_a_question(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in rig.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CCMUX_HOME", raising=False)
    await asyncio.to_thread(rig.configured, "a", "claude.allow=[]")
    made = rig.home / "made"
    app = Dashboard()
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(pilot, lambda: "idle" in words(app), "it is there")
        await asyncio.to_thread(send, rig, bash(f"touch {made}"))
        await until(pilot, lambda: "waiting · approval" in words(app), "it is seen that it asks")
        assert "1 needs you" in words(app)
        await pilot.press("n", "a")
        await until(pilot, lambda: f"touch {made}" in words(app), "what it asks, in full")
        await pilot.press("y")
        await until(pilot, made.exists, "it was allowed")
        await until(pilot, lambda: "Nothing waits" in words(app), "nothing is left to answer")
        question: list[dict[str, Any]] = [{"tool": "AskUserQuestion", "input": QUESTION}, {"text": "after"}]
        await asyncio.to_thread(send, rig, question)
        await until(pilot, lambda: "2. Blue" in words(app), "the question")
        await pilot.press("down", "y")
        await until(pilot, lambda: "Answer a" in words(app), "the answer is asked for")
        await pilot.press("2", "enter")
        await until(pilot, lambda: "Nothing waits" in words(app), "it is answered")
        await until(pilot, lambda: "Blue" in told_claude(rig), "Claude is told")
    assert json.loads(rig.run("ls", "--json"))["instances"][0]["queue"]["dead"] == 0


async def test_a_directive_is_done_by_the_project_and_told_in_a_report(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in rig.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CCMUX_HOME", raising=False)
    await asyncio.to_thread(rig.new, "main")
    await asyncio.to_thread(rig.new, "project-a")
    rig.standin.default({"text": "the summary is written"})
    app = Dashboard()
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await until(pilot, lambda: words(app).count("idle") > 1, "both are there")
        await pilot.press("down", "o")
        await until(pilot, lambda: "Directive to project-a" in words(app), "it is asked for")
        await pilot.press(*"write", "space", *"it", "enter")
        await until(pilot, lambda: "has the directive" in words(app), "it is taken")
        await until(pilot, lambda: "task_completed" in words(app), "the report of its end")
    (message,) = [one["message"] for one in rig.history("project-a")]
    assert (message["channel"], message["text"], message["state"]) == ("boss", "write it", "done")
