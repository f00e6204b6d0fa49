"""What an instance uses: tokens, money, time. `ccmux usage` and budgets read the same values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tokens:
    """As the API counts them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        """All four kinds; a budget counts these."""
        return self.input + self.output + self.cache_read + self.cache_write

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )


@dataclass(frozen=True, slots=True)
class Spent:
    """One message of the model. The same id again is the same message, and its latest row counts."""

    id: str
    at: float
    """wall clock"""
    model: str
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Active:
    """One turn that has ended, and when Claude worked in it. Turns may overlap: Claude counts some time twice."""

    id: str
    began: float
    ended: float
    """wall clock"""


@dataclass(frozen=True, slots=True)
class Told:
    """What Claude says that a conversation has cost so far, in USD. A killed Claude begins again at an earlier sum."""

    session_id: str
    at: float
    """wall clock"""
    total: float


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the instance's time zone."""

    day: str
    """YYYY-MM-DD"""
    models: dict[str, Tokens] = field(default_factory=dict)
    cost: float = 0.0
    """USD, as Claude Code says; on a subscription nobody pays it"""
    minutes: float = 0.0
    """in which Claude was active"""
    turns: int = 0

    @property
    def tokens(self) -> Tokens:
        """Of all models."""
        return sum(self.models.values(), Tokens())


def frame(day: Day) -> dict[str, Any]:
    """As `ccmux usage --json` and `status --json` show it; keys are added, never changed."""
    return {
        "day": day.day,
        "tokens": _tokens(day.tokens),
        "models": {model: _tokens(tokens) for model, tokens in day.models.items()},
        "cost_usd": round(day.cost, 6),
        "active_minutes": round(day.minutes, 3),
        "turns": day.turns,
    }


def _tokens(tokens: Tokens) -> dict[str, int]:
    return {
        "input": tokens.input,
        "output": tokens.output,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
        "total": tokens.total,
    }
