"""What an instance is doing, as `status` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class InstanceState(StrEnum):
    """The closed set of `state` in `status --json`."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"
    TYPING = "typing"
    LIMITED = "limited"
    LOGGED_OUT = "logged_out"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of an instance and why it is believed."""

    state: InstanceState
    reason: str = ""
    """permission (also of a plan), question, dialog, startup-dialog, crash-loop, draft, copy-mode … ; empty when there is none"""
    source: str = ""
    """what told: registry, pane, tmux, hook, daemon"""
