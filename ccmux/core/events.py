"""Everything that can happen to a message on its way, beside what Claude Code tells (`ccmux.model.turn`)."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.model.ids import Generation, MessageId, Nonce
from ccmux.model.message import Message
from ccmux.model.turn import TurnEvent


@dataclass(frozen=True, slots=True)
class Arrived:
    """A journalled message."""

    message: Message


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A person does not want the message to be delivered any more. Too late once it is being typed."""

    message_id: MessageId


@dataclass(frozen=True, slots=True)
class Looked:
    """The session as it is now."""

    generation: Generation | None
    """of the living Claude; None when there is none"""
    idle: bool
    """Claude itself says that it is idle"""
    blocked: str
    """why nothing may be typed now; empty when it may"""
    box: str | None = None
    """the text in the prompt box; None when it was not looked at or no box is there"""
    waited: bool = False
    """what a person left in the box was waited for long enough"""
    stashed: bool = False
    """Claude says that a draft is set aside"""
    wall: float = 0.0
    """wall clock, for what expires"""
    held: str = ""
    """why nothing is to be typed for long, in words for whoever waits; empty when nothing is held"""


@dataclass(frozen=True, slots=True)
class Pasted:
    """What became of `Paste`: `shown` (the end marker stands in the box), `refused` (nothing was typed), `unseen`."""

    nonce: Nonce
    outcome: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of `Enter`: pressed, or refused inside the tmux server because the guard did not hold."""

    nonce: Nonce
    pressed: bool


Event = Arrived | Cancelled | Looked | Pasted | Entered | TurnEvent
