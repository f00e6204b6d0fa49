"""What the real Claude Code committed to its conversations, from what it asked the stand-in for the model.

Every request carries the whole conversation: a prompt that stands in it before the newest one was part of it for certain. A
prompt whose Claude was killed before it wrote it down is in no later request: it was lost, and may come again, unless its answer
was there already ("asked": the model was asked, and the conversation does not know it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from tests.torture.history import Turn

_TOKEN = re.compile(r"tok-[0-9a-f]{10}")
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)


class Request(Protocol):
    """What the stand-in keeps of a request."""

    @property
    def main(self) -> bool: ...
    @property
    def ts(self) -> float: ...
    @property
    def body(self) -> dict[str, Any]: ...


def turns(requests: Iterable[Request], instance_of: Mapping[str, str]) -> list[Turn]:
    """Every prompt of the conversations, once, in the order in which it stands there.

    `instance_of`: token -> instance, to tell conversations apart: a request belongs to the instance of its first token.
    """
    found: list[Turn] = []
    asked: dict[str, Turn] = {}
    seen: dict[str, set[str]] = {}
    latest: dict[str, list[str]] = {}
    for request in requests:
        if not request.main:
            continue
        prompts = _prompts(request.body)
        whose = next(
            (instance_of[token] for text in prompts for token in _TOKEN.findall(text) if token in instance_of), ""
        )
        if not whose:
            continue
        latest[whose] = prompts
        for text in prompts[-1:]:
            asked.setdefault(text, Turn(whose, "asked", text=text, at=request.ts))
        for text in prompts[:-1]:
            if text not in seen.setdefault(whose, set()):
                seen[whose].add(text)
                found.append(Turn(whose, "committed", text=text, at=request.ts))
    for whose, prompts in latest.items():
        found += [
            Turn(whose, "committed", text=text) for text in prompts[-1:] if text not in seen.setdefault(whose, set())
        ]
    committed = {turn.text for turn in found}
    return found + [turn for text, turn in asked.items() if text not in committed]


def _prompts(body: dict[str, Any]) -> list[str]:
    """The texts of the user's messages, without the client's reminders; each nonce makes them different."""
    found = []
    for message in body.get("messages", []):
        if message.get("role") != "user":
            continue
        content = message.get("content")
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        for block in blocks:
            if isinstance(block, dict) and block.get("type") == "text":
                text = _REMINDER.sub("", str(block.get("text", ""))).strip()
                if text:
                    found.append(text)
    return found
