"""Whether the budget of a day is used up, and what a person is told of it, once. Values in, a verdict out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccmux.model.instance import BudgetSpec, OnExceeded
from ccmux.model.usage import Day

REASON: Final = "budget"
"""Of the state `paused`, and why nothing is typed."""
_REMEMBERED: Final = 64
"""Things said that are remembered: those of the latest days, also when the clock was set in between."""

Said = frozenset[str]
"""What was told or ordered, each with its day."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from what was used."""

    held: str = ""
    """what is used up, in words, when nothing is to be typed until the next day"""
    words: tuple[str, ...] = ()
    """for a person, now"""
    said: Said = frozenset()
    """to be remembered before the words are told"""


def judge(spec: BudgetSpec, used: Day, said: Said) -> Verdict:
    """What the day's use means. Asked again with what it says was said, it says no word twice."""
    fresh: set[str] = set()
    words, gone = [], []
    pauses = spec.on_exceeded is OnExceeded.PAUSE
    for kind, unit, amount, limit in _kinds(spec, used):
        if not limit or amount < limit * min(1.0, spec.warn_at):
            continue
        how = f"{_shown(amount)} of {_shown(limit)} {unit}"
        if amount >= limit:
            gone.append(how)
            mark, word = f"{used.day} {kind} used up {limit:g}", f"budget: {how} of {used.day} are used"
            word += "; paused until the day ends" if pauses and not overridden(used.day, said) else ""
        else:
            mark, word = f"{used.day} {kind} warned", f"budget: {how} of {used.day} are used"
        if mark not in said:
            words.append(word)
            fresh |= {mark, f"{used.day} {kind} warned"}
    held = ", ".join(gone) if pauses and not overridden(used.day, said) else ""
    return Verdict(held, tuple(words), _latest(said | fresh))


def overridden(day: str, said: Said) -> bool:
    """Whether a person said that it shall go on for the rest of that day."""
    return f"{day} resumed" in said


def override(day: str, said: Said) -> Said:
    """A person says so."""
    return _latest(said | {f"{day} resumed"})


def _kinds(spec: BudgetSpec, used: Day) -> tuple[tuple[str, str, float, float], ...]:
    return (
        ("tokens", "tokens", used.tokens.total, spec.tokens_per_day),
        ("cost", "USD", used.cost, spec.cost_per_day),
        ("minutes", "minutes", used.minutes, spec.minutes_per_day),
    )


def _shown(amount: float) -> str:
    return f"{int(amount):,}" if amount == int(amount) else f"{amount:,.2f}"


def _latest(said: Said) -> Said:
    """Days sort by age."""
    return frozenset(sorted(said)[-_REMEMBERED:])
