"""What Claude Code tells of its turns, from hooks and from its transcript, in one vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ccmux.model.ids import Nonce


class Cause(StrEnum):
    """Why a turn began."""

    MESSAGE = "message"
    RECOVERY = "recovery"
    """a message's turn was interrupted, and Claude is asked to go on"""
    TASK = "task"
    """a background task of a message ended"""
    TERMINAL = "terminal"
    """a person at the terminal, or Claude by itself"""


@dataclass(frozen=True, slots=True)
class PromptAccepted:
    """The UserPromptSubmit hook ran. Not proof: it fires before the transcript's row."""

    prompt_id: str
    nonce: Nonce | None
    """of the envelope in the prompt; None when a person typed it or Claude woke itself"""
    task_ids: tuple[str, ...] = ()
    """background tasks whose end started this turn"""


@dataclass(frozen=True, slots=True)
class PromptCommitted:
    """The transcript has the user row: the prompt is part of the conversation."""

    prompt_id: str
    nonce: Nonce | None
    uuid: str
    task_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FinalText:
    """The transcript has an assistant row that ends a turn. Used when the Stop hook was lost."""

    text: str
    uuid: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The Stop hook: Claude finished. `text` is its final message, whole."""

    prompt_id: str
    text: str
    background: tuple[str, ...] = ()
    """ids of tasks that go on in the background; their end starts a turn of its own"""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The StopFailure hook: the API gave up on the turn. `error` is Claude's own word, as rate_limit."""

    prompt_id: str
    error: str
    text: str


@dataclass(frozen=True, slots=True)
class LimitTold:
    """The transcript says until when the API refuses."""

    resets_at: float
    """wall clock"""


@dataclass(frozen=True, slots=True)
class TurnInterrupted:
    """A person pressed Esc: the transcript says so; no hook does."""

    uuid: str


@dataclass(frozen=True, slots=True)
class SessionBegan:
    """The SessionStart hook: this conversation is the current one. `source`: startup, resume, clear, compact, fork."""

    session_id: str
    transcript_path: str
    source: str


TurnEvent = (
    PromptAccepted | PromptCommitted | FinalText | TurnEnded | TurnFailed | LimitTold | TurnInterrupted | SessionBegan
)
