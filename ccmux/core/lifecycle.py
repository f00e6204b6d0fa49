"""When Claude is started, started again, and given up. Events and `now` in, one command out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ccmux.core.backoff import Budget
from ccmux.model.ids import Generation
from ccmux.model.instance import RestartSpec


class Life(StrEnum):
    """Where the session is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    OVERDUE = "overdue"
    """alive, but not ready within `restart.ready_within`: most likely a start-up dialog"""
    READY = "ready"
    RESTING = "resting"
    """dead, waiting for the back-off to pass"""
    FAULTED = "faulted"
    """given up after too many deaths; only `ccmux start` begins again"""


class Do(StrEnum):
    """What the daemon shall do for the session now."""

    NOTHING = "nothing"
    START = "start"
    KEEP_SCREEN = "keep-screen"
    """Claude died: keep what it said, then look again"""
    FORGET_CONVERSATION = "forget-conversation"
    """the conversation cannot be resumed: begin a fresh one, with a visible notice"""


_DAY = 86_400.0
_SERVER_SOON = 0.2
UNRESUMABLE_AFTER = 2
"""Deaths in a row, before ever being ready, of a Claude that was to resume: after these a fresh conversation begins."""


@dataclass(slots=True)
class Lifecycle:
    """The life of one session. Not thread-safe; owned by the driver."""

    spec: RestartSpec
    life: Life = Life.STOPPED
    since: float = 0.0
    wake_at: float | None = None
    early_deaths: int = 0
    generation: Generation | None = None
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.spec)

    def want(self, now: float) -> None:
        """A person asks for the session to run: a fault is forgiven, a running one is left alone."""
        if self.life in (Life.STOPPED, Life.FAULTED):
            self.budget = Budget(self.spec)
            self.early_deaths = 0
            self._to(Life.RESTING, now, wake=now)

    def too_old(self, now: float, megabytes: float) -> str:
        """Why a Claude that is ready is to be started anew; empty when it is not."""
        if self.life is not Life.READY:
            return ""
        if self.spec.recycle_mb and megabytes > self.spec.recycle_mb:
            return f"it uses {megabytes:.0f} MB (restart.recycle_mb)"
        days = (now - self.since) / _DAY
        if self.spec.recycle_days and days > self.spec.recycle_days:
            return f"it has run for {days:.1f} days (restart.recycle_days)"
        return ""

    def ended_by_us(self, now: float) -> None:
        """Claude was ended to be started anew: no death that counts."""
        self._to(Life.RESTING, now, wake=now)

    def without_server(self, now: float) -> None:
        """There is no tmux server to start Claude in, and somebody else starts it: no death that counts."""
        self._to(Life.RESTING, now, wake=now + _SERVER_SOON)

    def seen(self, now: float, *, generation: Generation | None, alive: bool, registered: bool, resuming: bool) -> Do:
        """The pane as it is: no generation means that there is no session at all."""
        if self.life in (Life.STOPPED, Life.FAULTED):
            return Do.NOTHING
        if alive and generation:
            return self._alive(now, generation, registered)
        if self.life in (Life.STARTING, Life.OVERDUE, Life.READY):
            return self._died(now, resuming)
        if now >= (self.wake_at or 0.0):
            self._to(Life.STARTING, now, wake=now + self.spec.ready_within)
            return Do.START
        return Do.NOTHING

    def _alive(self, now: float, generation: Generation, registered: bool) -> Do:
        if generation != self.generation or self.life is Life.RESTING:
            self.generation = generation
            self._to(Life.STARTING, now, wake=now + self.spec.ready_within)
        if registered:
            if self.life is not Life.READY:
                self.early_deaths = 0
                self._to(Life.READY, now)
        elif self.life is Life.STARTING and now >= (self.wake_at or 0.0):
            self._to(Life.OVERDUE, now)
        return Do.NOTHING

    def _died(self, now: float, resuming: bool) -> Do:
        lived = now - self.since if self.life is Life.READY else 0.0
        if self.life is not Life.READY:
            self.early_deaths += 1
        self.budget = self.budget.died(now, lived)
        if self.budget.exhausted:
            self._to(Life.FAULTED, now)
            return Do.KEEP_SCREEN
        self._to(Life.RESTING, now, wake=now + self.budget.delay)
        if resuming and self.early_deaths >= UNRESUMABLE_AFTER:
            self.early_deaths = 0
            return Do.FORGET_CONVERSATION
        return Do.KEEP_SCREEN

    def _to(self, life: Life, now: float, *, wake: float | None = None) -> None:
        self.life, self.since, self.wake_at = life, now, wake
