"""A budget holds when it is used up, warns once, and a person's word counts for one day."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.budget import Said, judge, override
from ccmux.model.instance import BudgetSpec, OnExceeded
from ccmux.model.usage import Day, Tokens

DAY = "2026-11-21"


def used(tokens: int = 0, cost: float = 0.0, minutes: float = 0.0, day: str = DAY) -> Day:
    return Day(day, {"m": Tokens(tokens)}, cost, minutes, 1)


@pytest.mark.parametrize(
    ("spec", "day", "held", "words"),
    [
        (BudgetSpec(), used(10**12, 10**6, 1440), "", 0),
        (BudgetSpec(tokens_per_day=100), used(79), "", 0),
        (BudgetSpec(tokens_per_day=100), used(80), "", 1),
        (BudgetSpec(tokens_per_day=100), used(99), "", 1),
        (BudgetSpec(tokens_per_day=100), used(100), "100 of 100 tokens", 1),
        (BudgetSpec(tokens_per_day=1000), used(12345), "12,345 of 1,000 tokens", 1),
        (BudgetSpec(cost_per_day=2.5), used(cost=2.5), "2.50 of 2.50 USD", 1),
        (BudgetSpec(minutes_per_day=60), used(minutes=59.9), "", 1),
        (BudgetSpec(minutes_per_day=60), used(minutes=60.0), "60 of 60 minutes", 1),
        (BudgetSpec(tokens_per_day=100, warn_at=1), used(99), "", 0),
        (BudgetSpec(tokens_per_day=100, warn_at=0.5), used(50), "", 1),
        (BudgetSpec(tokens_per_day=100, on_exceeded=OnExceeded.WARN), used(500), "", 1),
        (
            BudgetSpec(tokens_per_day=10, cost_per_day=1, minutes_per_day=1),
            used(10, 1, 1),
            "10 of 10 tokens, 1 of 1 USD, 1 of 1 minutes",
            3,
        ),
        (BudgetSpec(tokens_per_day=10, cost_per_day=1), used(10, 0.9), "10 of 10 tokens", 2),
    ],
)
def test_a_table_of_budgets(spec: BudgetSpec, day: Day, held: str, words: int) -> None:
    verdict = judge(spec, day, frozenset())
    assert (verdict.held, len(verdict.words)) == (held, words)
    assert judge(spec, day, verdict.said).words == ()
    assert judge(spec, day, verdict.said).held == held


def test_who_was_warned_is_told_again_when_it_is_used_up_and_no_more() -> None:
    spec, said = BudgetSpec(tokens_per_day=100), frozenset[str]()
    told: list[str] = []
    for tokens in (10, 80, 85, 100, 110, 99, 120):
        verdict = judge(spec, used(tokens), said)
        said, told = verdict.said, [*told, *verdict.words]
    assert [word.partition(" of ")[0] for word in told] == ["budget: 80", "budget: 100"]
    assert told[1].endswith("paused until the day ends")


def test_a_person_lifts_it_for_that_day_only() -> None:
    spec = BudgetSpec(tokens_per_day=100)
    said = override(DAY, judge(spec, used(100), frozenset()).said)
    assert judge(spec, used(500), said).held == ""
    assert judge(spec, used(500), said).words == ()
    assert judge(spec, used(500, day="2026-11-22"), said).held != ""


def test_a_raised_budget_goes_on_and_tells_when_that_is_used_up() -> None:
    said = judge(BudgetSpec(tokens_per_day=100), used(100), frozenset()).said
    raised = BudgetSpec(tokens_per_day=200)
    assert judge(raised, used(199), said).held == ""
    assert len(judge(raised, used(200), said).words) == 1
    assert judge(BudgetSpec(tokens_per_day=100, on_exceeded=OnExceeded.WARN), used(150), said).held == ""


DAYS = st.sampled_from([f"2026-11-{day}" for day in range(20, 29)])
LOOKS = st.lists(st.tuples(DAYS, st.integers(0, 150), st.booleans()), max_size=40)


@given(LOOKS, st.floats(0.1, 1.0), st.sampled_from(OnExceeded))
def test_whatever_the_clock_does_every_word_is_said_once_a_day(
    looks: list[tuple[str, int, bool]], warn_at: float, on: OnExceeded
) -> None:
    """Days come in any order: a clock may be set."""
    spec = BudgetSpec(tokens_per_day=100, warn_at=warn_at, on_exceeded=on)
    said: Said = frozenset()
    told: list[tuple[str, bool]] = []
    lifted = set()
    for day, tokens, resumes in looks:
        verdict = judge(spec, used(tokens, day=day), said)
        said = verdict.said
        told += [(day, "paused" in word or tokens >= 100) for word in verdict.words]
        assert bool(verdict.held) == (tokens >= 100 and on is OnExceeded.PAUSE and day not in lifted)
        if resumes and verdict.held:
            said = override(day, said)
            lifted.add(day)
    assert len(told) == len(set(told))


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 300))
def test_more_use_never_lets_go(tokens: int, limit: int, more: int) -> None:
    spec = BudgetSpec(tokens_per_day=limit)
    if judge(spec, used(tokens), frozenset()).held:
        assert judge(spec, used(tokens + more), frozenset()).held
    assert bool(judge(spec, used(tokens), frozenset()).held) == (tokens >= limit)


def test_what_was_said_does_not_grow_for_ever() -> None:
    spec, said = BudgetSpec(tokens_per_day=1, cost_per_day=1), frozenset[str]()
    for number in range(1000):
        day = f"{2026 + number // 300}-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}"
        said = judge(spec, replace(used(5, 5), day=day), said).said
    assert len(said) <= 64
