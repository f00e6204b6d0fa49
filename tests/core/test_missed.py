"""Since when a Claude has no registry file: never certain too early, never later than KEEPS_NONE, anew for every Claude."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.missed import KEEPS_NONE, Missed
from ccmux.core.sources import Pane, Registered
from ccmux.model.ids import Generation

LIVING = Pane("%0", 7, Generation("g"), dead=False, in_mode=False)
OTHER = replace(LIVING, generation=Generation("h"))
DEAD = replace(LIVING, dead=True)
NAMED = Registered("s", "idle")

Look = tuple[float, Pane | None, Registered | None]


def answers(*looks: Look) -> list[bool]:
    missed = Missed()
    return [missed.seen(pane, registered, now) for now, pane, registered in looks]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(0.0, LIVING, None)], [False]),
        ([(50.0, LIVING, None), (53.0, LIVING, None)], [False, True]),
        ([(50.0, LIVING, None), (52.9, LIVING, None), (53.1, LIVING, None)], [False, False, True]),
        ([(0.0, LIVING, None), (9.0, LIVING, NAMED)], [False, False]),
        ([(0.0, LIVING, None), (9.0, LIVING, None), (9.1, LIVING, NAMED)], [False, True, False]),
        ([(0.0, LIVING, NAMED), (9.0, LIVING, None), (11.9, LIVING, None)], [False, False, False]),
        ([(0.0, LIVING, NAMED), (9.0, LIVING, NAMED), (12.0, LIVING, None)], [False, False, False]),
        ([(0.0, LIVING, NAMED), (9.0, LIVING, None), (12.0, LIVING, None)], [False, False, True]),
        ([(0.0, LIVING, None), (9.0, OTHER, None), (11.9, OTHER, None), (12.0, OTHER, None)], [False] * 3 + [True]),
        ([(0.0, LIVING, None), (2.0, OTHER, None), (4.0, LIVING, None)], [False, False, False]),
        ([(0.0, LIVING, None), (9.0, DEAD, None)], [False, False]),
        ([(0.0, LIVING, None), (2.0, DEAD, None), (4.0, LIVING, None), (6.9, LIVING, None)], [False] * 4),
        ([(2.0, DEAD, None), (4.0, LIVING, None), (7.0, LIVING, None)], [False, False, True]),
        ([(0.0, LIVING, None), (9.0, None, None)], [False, False]),
        ([(0.0, LIVING, None), (8.0, None, None), (9.0, LIVING, None)], [False, False, False]),
        ([(0.0, None, None), (9.0, LIVING, None), (12.0, LIVING, None)], [False, False, True]),
    ],
)
def test_a_table_of_looks(looks: list[Look], expected: list[bool]) -> None:
    assert answers(*looks) == expected


def test_it_asks_to_be_asked_when_the_answer_may_change_and_only_then() -> None:
    missed = Missed()
    missed.seen(LIVING, None, 10.0)
    assert missed.wake_at == 10.0 + KEEPS_NONE
    missed.seen(LIVING, None, 11.0)
    assert missed.wake_at == 10.0 + KEEPS_NONE
    missed.seen(LIVING, NAMED, 11.5)
    assert missed.wake_at is None
    missed.seen(LIVING, None, 20.0)
    missed.seen(DEAD, None, 20.5)
    assert missed.wake_at is None
    missed.seen(None, None, 21.0)
    assert missed.wake_at is None


STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 4.0),
        st.sampled_from([LIVING, LIVING, OTHER, DEAD, None]),
        st.sampled_from([None, None, None, NAMED]),
    ),
    max_size=30,
)


@given(STEPS)
def test_it_is_certain_only_of_one_living_claude_that_was_without_for_long_enough(steps: list[Look]) -> None:
    """The model: since the first of the looks, one after the other, at this living Claude without a file."""
    missed, now, since, before = Missed(), 0.0, 0.0, None
    for step, pane, registered in steps:
        now += step
        without = pane is not None and not pane.dead and registered is None
        one = pane.generation if pane is not None and without else None
        if one != before:
            since = now
        before = one
        certain = missed.seen(pane, registered, now)
        assert certain == (without and now - since >= KEEPS_NONE)
        assert (missed.wake_at is not None) == (without and not certain)
        if missed.wake_at is not None:
            assert now < missed.wake_at <= now + KEEPS_NONE


@given(STEPS)
def test_who_looks_when_it_asks_to_is_told_the_truth(steps: list[Look]) -> None:
    """After whatever was seen: a file that stays away is certain exactly at `wake_at`."""
    missed, now = Missed(), 0.0
    for step, pane, registered in steps:
        now += step
        missed.seen(pane, registered, now)
    missed.seen(LIVING, NAMED, now)
    assert not missed.seen(LIVING, None, now)
    assert missed.wake_at is not None
    assert not missed.seen(LIVING, None, missed.wake_at - 0.01)
    assert missed.seen(LIVING, None, now + KEEPS_NONE + 0.01)
