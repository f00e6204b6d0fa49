from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.backoff import Budget
from ccmux.model.instance import RestartSpec

SPEC = RestartSpec(first=0.5, longest=8.0, stable=100.0, limit=5, window=600.0)


def test_delays_double_up_to_the_longest() -> None:
    budget, delays = Budget(SPEC), []
    for now in range(8):
        budget = budget.died(float(now), 0.0)
        delays.append(budget.delay)
    assert delays == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_the_limit_itself_is_allowed() -> None:
    budget = Budget(SPEC)
    for now in range(5):
        budget = budget.died(float(now), 0.0)
    assert not budget.exhausted
    assert budget.died(5.0, 0.0).exhausted


def test_a_stable_life_forgets_and_so_does_the_window() -> None:
    budget = Budget(SPEC, (0.0, 1.0, 2.0, 3.0, 4.0))
    assert budget.died(10.0, 100.0).deaths == (10.0,)
    assert budget.died(10.0, 99.9).exhausted
    assert budget.died(603.5, 0.0).deaths == (4.0, 603.5)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=1500))
def test_never_negative_never_longer(deaths: list[tuple[float, float]]) -> None:
    budget, now = Budget(SPEC), 0.0
    for pause, lived in deaths:
        now += pause
        budget = budget.died(now, lived)
        assert 0.0 <= budget.delay <= SPEC.longest
