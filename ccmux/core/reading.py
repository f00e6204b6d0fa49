"""The one place that decides what an instance is doing, and whether anything may be typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccmux.core.clock import seconds_since
from ccmux.core.lifecycle import Life
from ccmux.core.sources import Sources
from ccmux.model.state import InstanceState, Reading

NOT_LOGGED_IN: Final = "not-logged-in"
LOGIN_TROUBLE: Final = frozenset(
    {NOT_LOGGED_IN, "authentication_failed", "oauth_org_not_allowed", "account_on_hold", "verification_required"}
)
TURN_BEGINS: Final = frozenset({"UserPromptSubmit"})
TURN_ENDS: Final = frozenset({"Stop", "StopFailure", "SessionStart"})
INTERRUPTED: Final = "interrupted"
"""The row that a person's Esc leaves in the transcript."""
_WAITING: Final = {"permission prompt": "permission", "input needed": "question", "dialog open": "dialog"}
_BY_LIFE: Final = {
    Life.STOPPED: Reading(InstanceState.STOPPED, source="daemon"),
    Life.FAULTED: Reading(InstanceState.FAULTED, "crash-loop", "daemon"),
    Life.RESTING: Reading(InstanceState.STARTING, "restart", "daemon"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What Claude says of itself, and by which source."""

    status: str
    """idle, busy or waiting"""
    waiting_for: str
    source: str

    @property
    def idle(self) -> bool:
        return self.status == "idle"


def told(seen: Sources) -> Told | None:
    """What Claude says of itself: by its registry; where it keeps none, by title, hooks and screen. None: nothing yet."""
    if seen.registered is not None:
        status = seen.registered.status
        plain = "idle" if status in ("idle", "shell") else status if status == "waiting" else "busy"
        return Told(plain, seen.registered.waiting_for, "registry")
    if not seen.without_registry or seen.box is None:
        return None
    if says_title(seen.pane.title if seen.pane else "") == "busy":
        return Told("busy", "", "title")
    if seen.box.present and seen.hook is not None and seen.hook.event in TURN_BEGINS and not _ended(seen):
        return Told("busy", "", "hook")
    if seen.box.present:
        return Told("idle", "", "screen")
    return Told("waiting", "dialog open", "screen") if seen.life is Life.READY else None


def _ended(seen: Sources) -> bool:
    """Whether the title or the transcript says so: no hook tells of Esc."""
    return says_title(seen.pane.title if seen.pane else "") == "idle" or escaped(seen)


def escaped(seen: Sources) -> bool:
    """Whether a person's Esc ended the turn that the latest hook began."""
    row, hook = seen.row, seen.hook
    return row is not None and hook is not None and row.event == INTERRUPTED and row.at >= hook.at


def says_title(title: str) -> str:
    """`idle` (or waiting), `busy`, or empty: Claude puts ✳ before its name, and a spinner while it works."""
    glyph = title[:1]
    if glyph == "✳":
        return "idle"
    return "busy" if glyph in ("◐", "◑", "◒", "◓") or "\u2800" < glyph <= "\u28ff" else ""


def read_state(seen: Sources, now: float, typing_pause: float) -> Reading:
    """The state to tell a person. `now` is the wall clock, as `last_key` is."""
    if seen.life in _BY_LIFE:
        return _BY_LIFE[seen.life]
    if seen.pane is None or seen.pane.dead:
        return Reading(InstanceState.STARTING, source="pane")
    said = told(seen)
    if said is None:
        if seen.life is Life.OVERDUE:
            return Reading(InstanceState.WAITING, "startup-dialog", "pane")
        return Reading(InstanceState.STARTING, source="pane")
    if said.status == "waiting":
        return Reading(InstanceState.WAITING, _WAITING.get(said.waiting_for, said.waiting_for or "dialog"), said.source)
    if not said.idle and seen.asks:
        return Reading(InstanceState.WAITING, "approval", "daemon")
    if not said.idle:
        return Reading(InstanceState.BUSY, source=said.source)
    return _idle(seen, now, typing_pause, said.source)


def _idle(seen: Sources, now: float, typing_pause: float, source: str) -> Reading:
    last_key = seen.pane.last_key if seen.pane is not None else None
    if last_key is not None and seconds_since(last_key, now) < typing_pause:
        return Reading(InstanceState.TYPING, source="keys")
    if seen.trouble:
        state = InstanceState.LOGGED_OUT if seen.trouble in LOGIN_TROUBLE else InstanceState.LIMITED
        return Reading(state, seen.trouble, "daemon" if seen.trouble == NOT_LOGGED_IN else "hook")
    if seen.box is not None and seen.box.text:
        return Reading(InstanceState.TYPING, "draft", "screen")
    return Reading(InstanceState.IDLE, source=source)


def blocked(seen: Sources, reading: Reading, *, patient: bool = True) -> str:
    """Why nothing may be typed now; empty when it may. Unknown is a reason.

    Not `patient` any more: a copy mode is no reason. What is typed goes beneath it, and the reader's view stays.
    """
    if reading.state not in (InstanceState.IDLE, InstanceState.LIMITED, InstanceState.LOGGED_OUT):
        return reading.reason or str(reading.state)
    if seen.trouble == NOT_LOGGED_IN:
        return seen.trouble
    if seen.pane is None or seen.pane.dead:
        return "no pane"
    if seen.pane.in_mode and patient:
        return seen.pane.mode or "copy-mode"
    if seen.box is None or not seen.box.present:
        return "no prompt box"
    if not seen.box.focused:
        return "overlay"
    if seen.box.text:
        return "draft"
    return ""
