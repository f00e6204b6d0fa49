"""What the API refuses: the state says which and until when, the sender is told once, nothing is lost; and what grows too big."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from tests.rig import Rig, until

pytestmark = pytest.mark.real


def impatient(rig: Rig, name: str, *settings: str) -> None:
    """An instance whose Claude does not try again by itself."""
    rig.new(name, "--no-start")
    for setting in settings:
        rig.run("config", "set", name, *setting.split("=", 1))
    with rig.paths(name).env.open("a") as env:
        env.write("CLAUDE_CODE_MAX_RETRIES=0\n")
    rig.run("start", name)
    rig.wait_state(name, "idle")


def refuse(rig: Rig, **refusal: Any) -> None:
    rig.standin.rules({"match": "the-asked", "steps": [refusal]})


def held(rig: Rig, name: str) -> list[dict[str, Any]]:
    return [reply for one in rig.history(name) for reply in one["replies"] if reply["about"] == "held"]


REFUSALS = {
    "rate_limit": ({"status": 429, "error": "rate_limit_error"}, "limited", "rate_limit"),
    "overloaded": ({"status": 529, "error": "overloaded_error"}, "limited", ""),
    "server": ({"status": 500, "error": "api_error"}, "limited", "server_error"),
    "credit": (
        {
            "status": 400,
            "error": "invalid_request_error",
            "message": "Your credit balance is too low to access the API.",
        },
        "limited",
        "billing_error",
    ),
    "forbidden": ({"status": 403, "error": "permission_error"}, "logged_out", "authentication_failed"),
    "login": ({"status": 401, "error": "authentication_error"}, "logged_out", "authentication_failed"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_told_once_held_and_gone_on_with(rig: Rig, what: str) -> None:
    refusal, state, reason = REFUSALS[what]
    impatient(rig, "a")
    refuse(rig, **refusal)
    message = rig.run("send", "a", "the-asked").strip()
    one = rig.wait_state("a", state)
    assert reason in one["reason"]
    assert time.time() < one["until"] <= time.time() + 80
    assert "tried again at" in rig.run("ls")
    (told,) = held(rig, "a")
    assert (told["reply_to"], told["text"][:5]) == (message, "held:")
    (kept,) = rig.history("a")
    assert (kept["message"]["state"], kept["message"]["attempt"]) == ("interrupted", 0)
    rig.run("send", "a", "behind it")
    rig.standin.rules()
    rig.run("restart", "a")  # who does not want to wait
    until(lambda: [one["message"]["state"] for one in rig.history("a")] == ["done", "done"], "both are answered")
    assert len(held(rig, "a")) == 1
    answers = [reply["text"] for reply in rig.history("a")[0]["replies"] if not reply["about"]]
    assert len(answers) == 1
    assert rig.status("a")["until"] == 0


def subscriber(rig: Rig, name: str, reset: int, claim: str) -> None:
    """An instance on a subscription, whose limit the API will tell."""
    rig.env["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-not-a-token"
    rig.env.pop("ANTHROPIC_API_KEY", None)
    impatient(rig, name)
    headers = {
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": str(reset),
        "anthropic-ratelimit-unified-representative-claim": claim,
        "x-should-retry": "false",
    }
    refuse(rig, status=429, error="rate_limit_error", headers=headers, times=1)


@pytest.mark.parametrize("claim", ["five_hour", "seven_day"])
def test_a_limit_is_waited_for_as_long_as_the_api_says(rig: Rig, claim: str) -> None:
    reset = int(time.time()) + 5 * 3600
    subscriber(rig, "a", reset, claim)
    rig.run("send", "a", "the-asked")
    until(lambda: rig.status("a")["until"] >= reset, "the API's own time is shown")
    one = rig.wait_state("a", "limited")
    assert reset <= one["until"] <= reset + 15
    (told,) = held(rig, "a")
    assert "limit" in told["text"]
    assert "min" in told["text"] or " h," in told["text"]
    until(lambda: "Esc to cancel" not in rig.screen("a"), "no menu of Claude's keeps messages waiting")
    rig.standin.rules()
    rig.run("restart", "a")  # who does not want to wait
    until(lambda: [one["message"]["state"] for one in rig.history("a")] == ["done"], "it is answered")


def test_when_the_limit_is_over_it_goes_on_by_itself(rig: Rig) -> None:
    subscriber(rig, "main", int(time.time()) + 40, "five_hour")  # nobody goes first
    rig.run("send", "main", "the-asked")
    until(lambda: rig.history("main")[0]["message"]["state"] == "interrupted", "it was refused")
    assert rig.history("main")[0]["message"]["attempt"] == 0
    reset = rig.status("main")["until"]
    until(lambda: rig.history("main")[0]["message"]["state"] == "done", "it is answered", 150.0)
    assert time.time() >= reset - 1 > 0
    mine = [prompt for prompt in rig.prompts() if "the-asked" in prompt]
    assert len(mine) == 2  # refused, and gone on with: Claude has begun no turn of its own
    assert len(rig.prompts()) == 2


def test_ten_that_meet_one_limit_are_one_alarm(rig: Rig) -> None:
    heard = rig.home / "heard"
    for name in ("a", "b", "c"):
        impatient(rig, name, f"notify.command=cat >>{heard}")
    rig.standin.rules({"match": "the-asked", "steps": [{"status": 429, "error": "rate_limit_error"}]})
    for name in ("a", "b", "c"):
        rig.run("send", name, "the-asked")
    for name in ("a", "b", "c"):
        rig.wait_state(name, "limited")
    until(heard.exists, "one of them tells")
    rig.run("stop", "--all")
    assert len(heard.read_text().splitlines()) == 1


def test_a_claude_that_has_grown_too_big_is_started_anew_with_its_conversation(rig: Rig) -> None:
    rig.configured("a", "restart.recycle_mb=1")
    before = rig.status("a")
    rig.ask("a", "remember me")
    rig.run("restart", "a")  # it is weighed once a minute
    until(lambda: rig.status("a")["claude"]["pid"] not in (0, before["claude"]["pid"]), "another Claude runs")
    rig.run("config", "set", "a", "restart.recycle_mb", "0")
    rig.run("restart", "a")
    rig.wait_state("a", "idle")
    assert rig.status("a")["session_id"] == before["session_id"]
    rig.ask("a", "and now?")
    assert "remember me" in str(rig.standin.requests()[-1].body["messages"])
    assert "Claude is started anew" in rig.paths("a").daemon_log.read_text()


def test_what_differs_from_what_runs_is_shown(rig: Rig) -> None:
    rig.new("a")
    assert rig.status("a")["drift"] == []
    rig.run("config", "set", "a", "claude.model", "other")
    assert rig.status("a")["drift"] == ["configuration"]
    binary = rig.paths("a").started_binary.read_text().split("\t")
    os.utime(binary[1])
    assert rig.status("a")["drift"] == ["configuration", "claude"]
    assert "drift" in rig.run("status", "a")


HALVES = {
    "dropped": {"text": "a whole answer", "chunk": 3, "drop": 2, "times": 1},
    "error": {"text": "a whole answer", "chunk": 3, "stream_error": "overloaded_error", "after": 2, "times": 1},
}


@pytest.mark.parametrize("how", HALVES)
def test_half_a_stream_ends_in_one_whole_answer(rig: Rig, how: str) -> None:
    """Claude tries again, or says that it was refused; then it is held and gone on with."""
    rig.new("a")
    rig.standin.rules({"match": "the-asked", "steps": [HALVES[how]]})
    rig.run("send", "a", "the-asked")

    def over() -> bool:
        if rig.status("a")["state"] in ("limited", "logged_out"):
            rig.run("restart", "a")  # who does not want to wait
        return bool(rig.history("a")[0]["message"]["state"] == "done")

    until(over, "it is answered")
    (answer,) = [reply["text"] for reply in rig.history("a")[0]["replies"] if not reply["about"]]
    assert "a whole answer" in answer or "You wrote" in answer


def test_a_stream_that_falls_silent_is_busy_until_a_person_stops_it(rig: Rig) -> None:
    rig.new("a")
    first = rig.run("send", "a", '<<standin {"text": "half of it", "chunk": 2, "hang": 3600}>>').strip()
    second = rig.run("send", "a", "behind it").strip()
    rig.wait_state("a", "busy")
    rig.run("interrupt", "a")
    until(lambda: [one["message"]["state"] for one in rig.history("a")] == ["rejected", "done"], "it goes on")
    assert [one["message"]["id"] for one in rig.history("a")] == [first, second]


def test_a_message_that_comes_while_claude_compacts_is_delivered_after_it(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "remember me")
    rig.standin.rules({"match": "summary", "steps": [{"text": "they said remember me", "delay": 2}]})
    rig.run("compact", "a")
    rig.ask("a", "and now?")
    assert any("and now?" in prompt for prompt in rig.prompts())
    assert [one["message"]["attempt"] for one in rig.history("a")] == [1, 1]
