"""The clock by which waits are reckoned goes on while the machine sleeps; that the kernel's does is its promise."""

from __future__ import annotations

import inspect
import sys
import time

import pytest

from ccmux import steady
from ccmux.daemon import driver, renewal, schedules


def test_it_never_goes_back() -> None:
    seen = [steady.now() for _ in range(1000)]
    assert seen == sorted(seen)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one such clock only")
def test_it_is_the_one_that_counts_sleep() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= steady.now() <= time.clock_gettime(time.CLOCK_BOOTTIME)


@pytest.mark.parametrize("module", [driver, renewal, schedules])
def test_waits_of_hours_are_reckoned_by_it(module: object) -> None:
    assert "time.monotonic" not in inspect.getsource(module)  # type: ignore[arg-type]
