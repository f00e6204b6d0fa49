"""Whose turn it is to be said: order within a conversation, what is urgent first, and no faster than the service bears. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from ccmux.gateways.spool.acts import Row
from ccmux.gateways.words import Priority, Verb

POSTS: Final = frozenset({Verb.POST, Verb.UPLOAD})


@dataclass(frozen=True, slots=True)
class Bearing:
    """What a service bears."""

    post_gap: float = 1.0
    """seconds between two posts in one room"""
    per_minute: float = 50.0
    """calls of each other verb a minute, all rooms together"""
    burst: float = 10.0
    """of these at once"""


@dataclass(slots=True)
class Pace:
    """How fast it went so far. Times are monotonic seconds."""

    bearing: Bearing = Bearing()
    _posted: dict[str, float] = field(default_factory=dict)
    _spent: dict[Verb, tuple[float, float]] = field(default_factory=dict)
    """verb -> (calls left, as of)"""
    _paused: dict[str, float] = field(default_factory=dict)

    def free_at(self, row: Row, now: float) -> float:
        """When this may be done."""
        at = max(self._paused.get("", 0.0), self._paused.get(row.act.place.room, 0.0))
        if row.act.draft.verb in POSTS:
            return max(at, self._posted.get(row.act.place.room, -inf) + self.bearing.post_gap)
        left = self._left(row.act.draft.verb, now)
        reserve = self.bearing.burst / 2 if row.priority is Priority.PROGRESS else 0.0
        if left >= 1 + reserve:
            return at
        return max(at, now + (1 + reserve - left) * 60 / self.bearing.per_minute)

    def done(self, row: Row, now: float) -> None:
        """It is being done."""
        verb = row.act.draft.verb
        if verb in POSTS:
            self._posted[row.act.place.room] = now
        else:
            self._spent[verb] = (self._left(verb, now) - 1, now)

    def pause(self, room: str, until: float) -> None:
        """The service wants to be left alone: in one room, or (empty) altogether."""
        self._paused[room] = max(until, self._paused.get(room, 0.0))

    def _left(self, verb: Verb, now: float) -> float:
        left, then = self._spent.get(verb, (self.bearing.burst, now))
        return min(self.bearing.burst, left + (now - then) * self.bearing.per_minute / 60)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to do now, what to give up, and when to look again (monotonic; None: when something changes)."""

    now: tuple[Row, ...]
    over: tuple[Row, ...]
    wake: float | None


def choose(rows: Sequence[Row], pace: Pace, busy: Collection[tuple[str, bool]], wall: float, now: float) -> Chosen:
    """`rows` as `acts.next_ones` gives them; `busy`: (room, whether it is a mark) of what is being done.

    In one conversation (room and thread) nothing overtakes what is as urgent; marks go beside the posts.
    """
    chosen: list[Row] = []
    over: list[Row] = []
    wake = inf
    taken = set(busy)
    held: set[tuple[str, str, bool, Priority]] = set()
    for row in rows:
        lane = (row.act.place.room, row.marks)
        order = (row.act.place.room, row.act.place.thread, row.marks, row.priority)
        if row.state == "trying":
            held.add(order)
            continue
        if row.state == "orphan" or (row.expires_at and row.expires_at <= wall and row.state == "waiting"):
            over.append(row)
            continue
        if row.state == "blocked" or order in held:
            continue
        held.add(order)
        due = now + max(0.0, row.not_before - wall)
        if row.state == "waiting" and due <= now:
            due = pace.free_at(row, now)
        if due > now:
            wake = min(wake, due)
        elif lane not in taken:
            taken.add(lane)
            chosen.append(row)
            pace.done(row, now)
    ends = [row.expires_at for row in rows if row.expires_at and row.expires_at > wall]
    if ends:
        wake = min(wake, now + min(ends) - wall)
    return Chosen(tuple(chosen), tuple(over), None if wake == inf else wake)
