"""A question of Claude's that a person must answer: may this tool be used, which option, is this plan good."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ccmux.model.ids import ChannelName, MessageId


class Kind(StrEnum):
    """What is asked."""

    TOOL = "tool"
    QUESTION = "question"
    PLAN = "plan"


class ApprovalState(StrEnum):
    """Open, or how it ended. The first that ends it wins."""

    OPEN = "open"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    """nobody answered in time: denied"""
    WITHDRAWN = "withdrawn"
    """Claude does not wait for it any more: Esc, its end, or an answer at the terminal"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, as Claude's hook brings it."""

    kind: Kind
    tool: str
    input: dict[str, Any]
    cwd: str
    prompt_id: str
    key: str
    """the id of the tool's use: the same question again is the same approval"""
    session_id: str = ""
    """the conversation"""
    mode: str = ""
    """Claude's own permission mode at that moment"""


@dataclass(frozen=True, slots=True)
class Cause:
    """Who began the turn in which it is asked."""

    message_id: MessageId
    channel: ChannelName
    sender: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A question with its life."""

    id: str
    code: str
    """four characters that a person can type"""
    asked: Asked
    cause: Cause
    created_at: float
    expires_at: float
    """wall clock; then it is denied"""
    state: ApprovalState = ApprovalState.OPEN
    decided_by: str = ""
    reason: str = ""
    answers: tuple[str, ...] = ()
    """to a question's parts, in their order"""
