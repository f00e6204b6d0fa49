"""When a project reports, and what of a flood is sent: facts and `now` in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ccmux.core.clock import seconds_since
from ccmux.model.instance import Heartbeat, ReportSpec
from ccmux.model.report import ReportStatus
from ccmux.model.state import InstanceState, Reading
from ccmux.model.usage import Day

MOST_HELD: Final = 64
"""Events that may wait to be sent: Claude is refused more."""
_EVERY: Final = {Heartbeat.HOURLY: 3600.0, Heartbeat.DAILY: 86400.0}
_REMEMBERED: Final = 64
_STATUS: Final = {
    InstanceState.STARTING: ReportStatus.ACTIVE,
    InstanceState.IDLE: ReportStatus.IDLE,
    InstanceState.BUSY: ReportStatus.BUSY,
    InstanceState.WAITING: ReportStatus.BLOCKED,
    InstanceState.TYPING: ReportStatus.ACTIVE,
    InstanceState.LIMITED: ReportStatus.LIMITED,
    InstanceState.LOGGED_OUT: ReportStatus.BLOCKED,
    InstanceState.PAUSED: ReportStatus.PAUSED,
    InstanceState.STOPPED: ReportStatus.STOPPED,
    InstanceState.FAULTED: ReportStatus.FAULTED,
}
_NEEDY: Final = (InstanceState.WAITING, InstanceState.LOGGED_OUT, InstanceState.FAULTED, InstanceState.LIMITED)


@dataclass(frozen=True, slots=True)
class Held:
    """A report that was made and not sent yet."""

    seq: int
    weighty: bool
    """an event of its own: no later report stands in for it"""


@dataclass(frozen=True, slots=True)
class Release:
    """What is to be done with those that are held."""

    send: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()
    """a later one says as much"""
    wake_in: float | None = None
    """seconds until there is something to send"""


def release(held: Sequence[Held], sent_at: float, now: float, pause: float) -> Release:
    """At most once in `pause` seconds: every event in its order, and of the others the latest, if no event came after it."""
    if not held:
        return Release()
    left = pause - seconds_since(sent_at, now)
    if left > 0:
        return Release(wake_in=left)
    kept = [one.seq for one in held if one.weighty or one is held[-1]]
    return Release(tuple(kept), tuple(one.seq for one in held if one.seq not in kept))


def heartbeat_in(every: Heartbeat, last: float, now: float) -> float | None:
    """Seconds until the next heartbeat; 0 or less: it is due. None: there is none."""
    return None if every is Heartbeat.OFF else _EVERY[every] - seconds_since(last, now)


def status_of(reading: Reading) -> ReportStatus:
    return _STATUS[reading.state]


def at_rest(said: str, reading: Reading) -> bool:
    """Whether the status that was said last is over: without a further word it would stand until the heartbeat."""
    return reading.state is InstanceState.IDLE and said not in ("", ReportStatus.IDLE)


def needs(reading: Reading, codes: Iterable[str]) -> tuple[str, ...]:
    """In words for what a person is needed now."""
    found = [f"approval {code} waits for an answer" for code in codes]
    if reading.state in _NEEDY and reading.reason != "approval":
        found.append(f"a person is needed: {reading.state}" + (f" ({reading.reason})" if reading.reason else ""))
    return tuple(found)


def crossed(spec: ReportSpec, used: Day, said: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Which threshold was crossed of late, in words, once a day; and what was said by then."""
    words, fresh = [], set()
    for unit, amount, limit in (("tokens", used.tokens.total, spec.tokens_alert), ("USD", used.cost, spec.cost_alert)):
        mark = f"{used.day} {unit} {limit:g}"
        if used.day and limit and amount >= limit and mark not in said:
            shown = f"{amount:,}" if isinstance(amount, int) else f"{amount:,.2f}"
            words.append(f"{shown} {unit} were used today, more than {limit:,}")
            fresh.add(mark)
    return tuple(words), frozenset(sorted(said | fresh)[-_REMEMBERED:])
