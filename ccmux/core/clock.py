"""The wall clock may be set: ages that are reckoned with it are reckoned here."""

from __future__ import annotations

from math import inf
from typing import Final

AHEAD: Final = 2.0
"""Seconds by which two clocks of one machine may differ: some tell whole seconds."""


def seconds_since(then: float, now: float) -> float:
    """The age of a moment. What lies in the future was before the clock was set back: long ago."""
    return inf if then > now + AHEAD else max(0.0, now - then)
