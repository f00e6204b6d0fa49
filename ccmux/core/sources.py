"""The one place that decides what an instance is doing, from everything that tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccmux.core.lifecycle import Life
from ccmux.core.screen import Box
from ccmux.model.ids import Generation
from ccmux.model.state import InstanceState, Reading


@dataclass(frozen=True, slots=True)
class Pane:
    """The pane of the session as tmux tells it."""

    id: str
    pid: int
    generation: Generation
    dead: bool
    in_mode: bool
    exit_status: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """Claude's own session registry (`sessions/<pid>.json`): idle, busy, waiting, shell, and what it waits for."""

    session_id: str
    status: str
    waiting_for: str = ""
    version: str = ""
    changed_at: float = 0.0
    """wall clock, seconds"""


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that was looked at, at one moment. None: it could not be seen."""

    life: Life
    pane: Pane | None = None
    registered: Registered | None = None
    last_key: float | None = None
    """wall clock of the latest keystroke of an attached person"""
    box: Box | None = None
    """only read when a message is about to be typed"""
    trouble: str = ""
    """Claude's word for why the API refused its latest turn"""


_WAITING: Final = {"permission prompt": "permission", "input needed": "question", "dialog open": "dialog"}
NOT_LOGGED_IN: Final = "not-logged-in"
LOGIN_TROUBLE: Final = frozenset(
    {NOT_LOGGED_IN, "authentication_failed", "oauth_org_not_allowed", "account_on_hold", "verification_required"}
)


def read_state(seen: Sources, now: float, typing_pause: float) -> Reading:
    """The state to tell a person. `now` is the wall clock, as `last_key` is."""
    by_life = {
        Life.STOPPED: Reading(InstanceState.STOPPED, source="daemon"),
        Life.FAULTED: Reading(InstanceState.FAULTED, "crash-loop", "daemon"),
        Life.RESTING: Reading(InstanceState.STARTING, "restart", "daemon"),
    }
    if seen.life in by_life:
        return by_life[seen.life]
    if seen.pane is None or seen.pane.dead:
        return Reading(InstanceState.STARTING, source="pane")
    if seen.registered is None:
        if seen.life is Life.OVERDUE:
            return Reading(InstanceState.WAITING, "startup-dialog", "pane")
        return Reading(InstanceState.STARTING, source="pane")
    if seen.registered.status == "waiting":
        reason = _WAITING.get(seen.registered.waiting_for, seen.registered.waiting_for or "dialog")
        return Reading(InstanceState.WAITING, reason, "registry")
    if seen.registered.status not in ("idle", "shell"):
        return Reading(InstanceState.BUSY, source="registry")
    return _idle(seen, now, typing_pause)


def _idle(seen: Sources, now: float, typing_pause: float) -> Reading:
    if seen.last_key is not None and now - seen.last_key < typing_pause:
        return Reading(InstanceState.TYPING, source="tmux")
    if seen.trouble:
        state = InstanceState.LOGGED_OUT if seen.trouble in LOGIN_TROUBLE else InstanceState.LIMITED
        return Reading(state, seen.trouble, "hook")
    if seen.box is not None and seen.box.text:
        return Reading(InstanceState.TYPING, "draft", "pane")
    return Reading(InstanceState.IDLE, source="registry")


def blocked(seen: Sources, reading: Reading) -> str:
    """Why nothing may be typed now; empty when it may. Unknown is a reason."""
    if reading.state not in (InstanceState.IDLE, InstanceState.LIMITED, InstanceState.LOGGED_OUT):
        return reading.reason or str(reading.state)
    if seen.trouble == NOT_LOGGED_IN:
        return seen.trouble
    if seen.pane is None or seen.pane.dead:
        return "no pane"
    if seen.pane.in_mode:
        return "copy-mode"
    if seen.box is None or not seen.box.present:
        return "no prompt box"
    if seen.box.text:
        return "draft"
    return ""
