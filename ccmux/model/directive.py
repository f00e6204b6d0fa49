"""What the assistant, or the person at the terminal, gives a project to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    """overtakes what waits"""


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive. Who gave it is not part of what he says: the receiver knows it by the way on which it came."""

    content: str
    type: str = "task"
    priority: Priority = Priority.NORMAL
    deadline: str | None = None
    """ISO 8601 with offset: it is not begun after that"""
    expires_at: float = 0.0
    """the same as wall clock; 0: never"""


def as_object(directive: Directive, sender: str) -> dict[str, Any]:
    """As its JSON has it, stamped with who gives it."""
    return {
        "type": directive.type,
        "from": sender,
        "content": directive.content,
        "priority": str(directive.priority),
        "deadline": directive.deadline,
    }
