"""When a person is to be told that he is needed: once for each need, not at every look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccmux.model.state import InstanceState, Reading

_NEEDED: Final = (InstanceState.WAITING, InstanceState.LOGGED_OUT, InstanceState.FAULTED, InstanceState.LIMITED)


@dataclass(slots=True)
class Alarm:
    """Remembers what was told."""

    _told: frozenset[str] = frozenset()

    def seen(self, reading: Reading, asked: tuple[str, ...]) -> list[str]:
        """In words what has begun to need a person."""
        needs = {f"approval {code}" for code in asked}
        if reading.state in _NEEDED and reading.reason != "approval":  # those are told one by one
            needs.add(f"{reading.state}: {reading.reason}" if reading.reason else str(reading.state))
        fresh = sorted(needs - self._told)
        self._told = frozenset(needs)
        return fresh


def shared(need: str) -> bool:
    """Whether other instances will need the same at the same time: one login, one API."""
    return need.startswith((InstanceState.LIMITED, InstanceState.LOGGED_OUT))
