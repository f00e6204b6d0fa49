"""How long a draft or a copy mode keeps messages waiting: as long as was asked for since the last sign of the person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.clock import AHEAD
from ccmux.core.patience import WAITED_FOR, Patience

Look = tuple[float, str, float | None]


def left(*looks: Look, seconds: float = 120.0) -> list[float | None]:
    """What each look (now, hindrance, latest key) is told."""
    patience = Patience(seconds)
    return [patience.seen(hindrance, "", key, now) for now, hindrance, key in looks]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(1000.0, "", None)], [None]),
        ([(1000.0, "permission", None)], [None]),
        ([(1000.0, "overlay", None)], [None]),
        ([(1000.0, "typing", 999.0)], [None]),
        ([(1000.0, "no prompt box", None)], [None]),
        ([(1000.0, "draft", None)], [120.0]),
        ([(1000.0, "draft", None), (1100.0, "draft", None)], [120.0, 20.0]),
        ([(1000.0, "draft", None), (1120.0, "draft", None)], [120.0, 0.0]),
        ([(1000.0, "draft", None), (9000.0, "draft", None)], [120.0, 0.0]),
        ([(1000.0, "draft", None), (1100.0, "copy-mode", None)], [120.0, 120.0]),
        ([(1000.0, "draft", None), (1100.0, "", None), (1110.0, "draft", None)], [120.0, None, 10.0]),
        ([(1000.0, "draft", None), (1100.0, "typing", 1100.0), (1105.0, "draft", 1100.0)], [120.0, None, 115.0]),
        ([(1000.0, "draft", 990.0)], [120.0]),
        ([(1000.0, "draft", 990.0), (1100.0, "draft", 1090.0)], [120.0, 110.0]),
        ([(1000.0, "draft", None), (1100.0, "draft", 500.0)], [120.0, 20.0]),
        ([(1000.0, "draft", 5000.0), (1060.0, "draft", 5000.0)], [120.0, 60.0]),
        ([(1000.0, "draft", 1001.0), (1060.0, "draft", 1060.0)], [120.0, 120.0]),
        ([(1000.0, "draft", None), (500.0, "draft", None), (600.0, "draft", None)], [120.0, 120.0, 20.0]),
    ],
)
def test_a_table_of_looks(looks: list[Look], expected: list[float | None]) -> None:
    assert left(*looks) == expected


@pytest.mark.parametrize("mode", sorted(WAITED_FOR))
def test_everything_that_a_person_may_leave_behind_runs_out(mode: str) -> None:
    assert left((0.0, mode, None), (3.0, mode, None), seconds=3.0) == [3.0, 0.0]


def test_a_draft_that_claude_has_put_back_is_not_waited_for_again_and_another_one_is() -> None:
    patience = Patience(10.0)
    assert [patience.seen("draft", "mine", None, now) for now in (0.0, 10.0)] == [10.0, 0.0]
    assert patience.seen("", "", None, 11.0) is None  # it is set aside
    assert patience.seen("draft", "mine", None, 12.0) == 0.0
    assert patience.seen("draft", "mine too", None, 13.0) == 10.0


def test_no_patience_at_all_is_none_from_the_first_look() -> None:
    assert left((7.0, "draft", 7.0), seconds=0.0) == [0.0]


LOOKS = st.lists(
    st.tuples(
        st.floats(-50.0, 200.0),
        st.sampled_from(["", "draft", "draft", "copy-mode", "typing", "permission"]),
        st.none() | st.floats(0.0, 2000.0),
    ),
    max_size=30,
)


@given(LOOKS, st.floats(0.0, 300.0))
def test_whatever_the_clock_does_it_is_never_below_nothing_nor_above_what_was_asked_for(
    steps: list[Look], seconds: float
) -> None:
    patience, now = Patience(seconds), 1000.0
    for step, hindrance, key in steps:
        now = max(0.0, now + step)
        rest = patience.seen(hindrance, "", key, now)
        assert (rest is None) == (hindrance not in WAITED_FOR)
        assert rest is None or 0.0 <= rest <= seconds * 1.000001


@given(LOOKS, st.floats(0.0, 300.0))
def test_it_counts_from_the_first_look_at_the_hindrance_or_from_the_latest_key(
    steps: list[Look], seconds: float
) -> None:
    """The model, for a clock that only goes forward."""
    patience, now = Patience(seconds), 1000.0
    since, what = 0.0, ""
    for step, hindrance, key in steps:
        now += abs(step)
        rest = patience.seen(hindrance, "", key, now)
        if hindrance not in WAITED_FOR:
            assert rest is None
            continue
        if hindrance != what:
            since, what = now, hindrance
        known = key is not None and key <= now + AHEAD
        until = max(since, min(key, now) if known and key is not None else since) + seconds
        assert rest == pytest.approx(max(0.0, until - now), abs=1e-6)


@given(LOOKS, st.floats(0.1, 300.0))
def test_who_waits_as_long_as_told_finds_it_used_up_unless_a_key_was_pressed(steps: list[Look], seconds: float) -> None:
    patience, now = Patience(seconds), 1000.0
    for step, hindrance, key in steps:
        now += abs(step)
        patience.seen(hindrance, "", key, now)
    rest = patience.seen("draft", "", None, now)
    assert rest is not None
    assert patience.seen("draft", "", None, now + rest + 0.001) == 0.0
    assert patience.seen("draft", "", now + rest + 0.001, now + rest + 0.001) == pytest.approx(seconds)
