"""The short form of the torture: a minute of kills in every `make test`. `make torture` is the long one."""

from __future__ import annotations

import os

import pytest

from tests.torture.run import Plan, running, torture
from tests.torture.volume import flood


def _seed() -> int:
    return int(os.environ.get("CCMUX_TORTURE_SEED") or int.from_bytes(os.urandom(4), "big"))


def _survives(plan: Plan) -> None:
    verdict = torture(plan)
    print(f"seed {plan.seed}\n{verdict}")  # noqa: T201 - shown when it fails
    assert not verdict.faults, f"CCMUX_TORTURE_SEED={plan.seed}\n{verdict}"
    assert verdict.counts["acknowledged"] >= plan.messages * 0.5
    assert verdict.counts["of those, kill -9"] >= plan.kills


def test_nothing_is_lost_and_nothing_comes_twice_with_the_double() -> None:
    _survives(Plan(_seed(), messages=60, kills=10, seconds=14))


@pytest.mark.real
def test_nothing_is_lost_and_nothing_comes_twice_with_the_real_claude() -> None:
    blows = {"kill daemon": 3, "kill claude": 3, "kill tmux": 1, "stop daemon": 1}
    _survives(Plan(_seed(), messages=8, kills=3, seconds=7, instances=("a",), real=True, blows=blows))


def test_a_flood_adds_up_and_what_was_accepted_is_answered() -> None:
    plan = Plan(1, messages=400, kills=0, seconds=0, instances=("a",), delay=0.001, flush=0.0)
    with running(plan, "delivery.max_waiting=40") as run:
        accepted, refused = flood(run, "a", plan.messages)
        assert accepted + refused == plan.messages
        assert accepted >= 40
        assert refused > 0
        run.settle()
        verdict = run.verdict()
        assert not verdict.faults, str(verdict)
        assert verdict.counts["ended done"] == accepted
