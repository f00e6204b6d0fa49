"""Ages by a clock that may be set."""

from __future__ import annotations

from math import inf

import pytest

from ccmux.core.clock import AHEAD, seconds_since


@pytest.mark.parametrize(
    ("then", "now", "age"),
    [(10.0, 15.0, 5.0), (10.0, 10.0, 0.0), (10.0 + AHEAD, 10.0, 0.0), (3610.0, 10.0, inf), (0.0, 1e9, 1e9)],
)
def test_what_lies_in_the_future_is_long_ago_but_for_what_two_clocks_differ(
    then: float, now: float, age: float
) -> None:
    assert seconds_since(then, now) == age
