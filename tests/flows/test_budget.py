"""A budget that is used up holds messages back until midnight, or until a person says otherwise; who waits is told once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.rig import Rig, until

pytestmark = pytest.mark.real

USAGE = {"input_tokens": 1, "output_tokens": 9, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 0}
"""One answer: 100 tokens."""
ZONE = "Pacific/Kiritimati"


def budget(rig: Rig, *settings: str) -> None:
    """An instance with that budget, whose words to a person are written down."""
    rig.standin.default({"text": "ok", "usage": USAGE})
    rig.configured("a", f"timezone={ZONE}", f"notify.command=cat >>{rig.home / 'heard'}", *settings)


def words(rig: Rig) -> list[str]:
    heard = rig.home / "heard"
    return [line for line in heard.read_text().splitlines() if "budget" in line] if heard.exists() else []


def held(rig: Rig) -> list[dict[str, Any]]:
    return [reply for one in rig.history("a") for reply in one["replies"] if reply["about"] == "held"]


def states(rig: Rig) -> list[str]:
    return [one["message"]["state"] for one in rig.history("a")]


def all_done(rig: Rig) -> None:
    until(lambda: set(states(rig)) == {"done"}, "every message is answered")


def paused(rig: Rig) -> dict[str, Any]:
    one = rig.wait_state("a", "paused")
    assert one["reason"] == "budget"
    return one


def test_what_is_used_up_pauses_until_midnight_and_tells_everybody_once(rig: Rig) -> None:
    budget(rig, "budget.tokens_per_day=250")
    rig.ask("a", "one")
    rig.ask("a", "two")
    until(lambda: len(words(rig)) == 1, "a person is warned")
    assert "200 of 250 tokens" in words(rig)[0]
    rig.ask("a", "three")
    one = paused(rig)
    until(lambda: len(words(rig)) == 2, "a person is told")
    assert "300 of 250 tokens" in words(rig)[1]
    tomorrow = datetime.now(ZoneInfo(ZONE)).date() + timedelta(days=1)
    assert datetime.fromtimestamp(one["until"], ZoneInfo(ZONE)) == datetime(
        tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZoneInfo(ZONE)
    )
    assert "until" in rig.run("ls")
    for text in ("four", "five"):
        rig.run("send", "a", text)
    (told,) = until(lambda: held(rig), "the sender is told")
    assert "budget" in told["text"]
    assert states(rig) == ["done", "done", "done", "received", "received"]
    rig.run("restart", "a")
    paused(rig)
    assert (len(words(rig)), len(held(rig)), len(rig.prompts())) == (2, 1, 3)
    rig.run("resume", "a")
    all_done(rig)
    assert (len(words(rig)), len(held(rig)), len(rig.prompts())) == (2, 1, 5)
    assert "budget-overridden" in rig.run("approvals", "a", "--audit")
    rig.run("restart", "a")
    assert rig.ask("a", "six") == "ok"  # a person's word outlives the daemon
    assert rig.status("a")["until"] == 0


def test_the_running_turn_is_let_finish_and_a_raised_budget_goes_on(rig: Rig) -> None:
    budget(rig, "budget.tokens_per_day=100", 'claude.allow=["Bash(echo:*)"]')
    call = {"tool": "Bash", "input": {"command": "echo hi", "description": "x"}, "usage": USAGE}
    rig.standin.queue(call, call, call)
    assert rig.ask("a", "much work") == "ok"  # 400 tokens in one turn
    paused(rig)
    rig.run("send", "a", "next")
    until(lambda: held(rig), "the sender is told")
    rig.run("config", "set", "a", "budget.tokens_per_day", "1000000")
    rig.run("restart", "a")
    all_done(rig)
    assert len(rig.prompts()) == 5


@pytest.mark.parametrize("kind", ["cost", "minutes"])
def test_the_other_kinds(rig: Rig, kind: str) -> None:
    budget(rig, f"budget.{kind}_per_day=0.000001")
    rig.ask("a", "one")
    paused(rig)
    until(lambda: len(words(rig)) == 1, "a person is told")
    assert {"cost": "USD", "minutes": "minutes"}[kind] in words(rig)[0]


def test_a_budget_that_only_warns_holds_nothing_back(rig: Rig) -> None:
    budget(rig, "budget.tokens_per_day=150", "budget.on_exceeded=warn")
    for text in ("one", "two", "three"):
        assert rig.ask("a", text) == "ok"
    until(lambda: len(words(rig)) == 1, "a person is told")
    assert "200 of 150 tokens" in words(rig)[0]
    assert rig.wait_state("a", "idle")["until"] == 0
    assert held(rig) == []


def test_a_persons_pause_and_a_budget_together(rig: Rig) -> None:
    budget(rig, "budget.tokens_per_day=50")
    rig.ask("a", "one")
    paused(rig)
    rig.run("pause", "a")
    until(lambda: rig.status("a")["reason"].startswith("by "), "the person's pause is shown")
    rig.run("clear", "a")  # a person may order what he likes
    rig.run("resume", "a")
    assert rig.ask("a", "two") == "ok"
