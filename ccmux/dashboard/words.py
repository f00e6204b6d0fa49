"""How values look on the dashboard. Everything from outside passes `plain` or `block`: nothing of it steers anything."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

_LINE: Final = 400
_BLOCK: Final = 60_000
"""Characters that are shown of one value."""
_SPANS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_SIZES: Final = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))
_BARS: Final = "▁▂▃▄▅▆▇█"
_TEN: Final = 10


def plain(text: str) -> str:
    """One line: line breaks become blanks, what could steer a terminal or does not show itself a replacement character."""
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text[:_LINE]
    ).strip() + ("…" if len(text) > _LINE else "")


def block(text: str) -> str:
    """Several lines, each as `plain` has it; what is cut is said."""
    cut = text[:_BLOCK].replace("\r\n", "\n").replace("\t", "    ")
    shown = "".join(visible(char) for char in cut)
    more = len(text) - _BLOCK
    return f"{shown}\n… {more} more characters" if more > 0 else shown


def visible(char: str) -> str:
    """Itself, a blank for a blank of another kind, or a replacement character."""
    return char if char.isprintable() or char == "\n" else " " if char.isspace() else "\ufffd"


def span(seconds: float) -> str:
    """In one unit: 5s, 3m, 2h, 4d."""
    whole = max(0, int(seconds))
    return next((f"{whole // size}{unit}" for size, unit in _SPANS if whole >= size), "0s")


def age(at: float, now: float) -> str:
    """How long ago; empty when that is not known."""
    return span(now - at) if at else ""


def count(number: float) -> str:
    """Three digits and a unit: 987, 1.2k, 34k, 5.6M."""
    for size, unit in _SIZES:
        if number >= size:
            small = number / size < _TEN
            return f"{number / size:.1f}{unit}" if small else f"{number / size:.0f}{unit}"
    return str(int(number))


def money(usd: float, *, billed: bool) -> str:
    """In USD; `~` where nobody pays it."""
    return f"{'' if billed else '~'}${usd:,.2f}"


def minutes(number: float) -> str:
    """As 42m or 3h07."""
    whole = int(number)
    return f"{whole // 60}h{whole % 60:02d}" if whole >= 60 else f"{whole}m"  # noqa: PLR2004 - of an hour


def sparkline(values: Sequence[int], length: int) -> str:
    """A bar an hour up to the present one; the highest is the tallest. Empty when there is nothing to show."""
    top = max(values, default=0)
    if top <= 0:
        return ""
    bars = [_BARS[min(7, value * 8 // top)] if value > 0 else _BARS[0] for value in values]
    return "".join(bars[:length])


def clock(at: float, form: str = "%H:%M:%S") -> str:
    """The wall clock there."""
    try:
        return time.strftime(form, time.localtime(at)) if at else ""
    except (OverflowError, ValueError, OSError):
        return ""
