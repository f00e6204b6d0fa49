"""Until when the API refuses, as Claude Code tells it: in a row of its transcript, or in the words for a person."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

LONGEST: Final = 8 * 86_400.0
"""Seconds that are believed: a week is the longest limit there is."""
_WORDS: Final = re.compile(
    r"\bresets (?:([A-Z][a-z]{2}) (\d{1,2}), )?(\d{1,2})(?::(\d{2}))?\s?([ap]m) \(([A-Za-z]+(?:/[\w+-]+)*)\)"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MENU: Final = re.compile(r"^ *What do you want to do\? *\n\s*❯ 1\. Stop and wait for limit to reset\b", re.MULTILINE)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


def epoch_of(limits: Any) -> float:  # noqa: ANN401 - whatever the row holds
    """The wall clock in `quotaLimits` of the row of a refusal; 0 when it holds none."""
    found = limits.get("resetsAt") if isinstance(limits, dict) else None
    known = isinstance(found, int | float) and not isinstance(found, bool) and 0 < found < float("inf")
    return float(found) if known and found is not None else 0.0


def words_of(text: str, now: float) -> float:
    """The wall clock in words as `resets 7:09pm (Europe/Berlin)` or `resets Nov 25, 5:06am (UTC)`; 0 when not understood.

    They tell the minute, and no year: it is the end of that minute, the next time that it comes, and the later one where
    clocks are set back.
    """
    found = _WORDS.search(text)
    if found is None:
        return 0.0
    month, day, hour, minute, half, zone = found.groups()
    try:
        here = datetime.fromtimestamp(now, ZoneInfo(zone))
        at = here.replace(hour=int(hour) % 12 + 12 * (half == "pm"), minute=int(minute or 0), second=0, microsecond=0)
        if month:
            at = at.replace(month=_MONTHS.index(month) + 1, day=int(day))
            at = at if at + _DAY > here else at.replace(year=at.year + 1)
        elif at + _MINUTE <= here:
            at += _DAY
        return (at + _MINUTE).replace(fold=1).timestamp()
    except (ValueError, KeyError, OSError, OverflowError):
        return 0.0


def left(resets_at: float, now: float) -> float:
    """Seconds until then; 0 when it is over, or so far ahead that it is not believed."""
    seconds = resets_at - now
    return seconds if 0 < seconds <= LONGEST else 0.0


def is_menu(screen: str) -> bool:
    """Whether the screen (without attributes) ends in the menu that Claude opens at a limit, to wait or to pay."""
    found = _MENU.search(screen)
    return found is not None and "Esc to cancel" in screen[found.end() :]
