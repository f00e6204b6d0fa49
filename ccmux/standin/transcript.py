"""Reading a Messages request: what the user said last, the directive in it, and the echo of it.

Text in `<system-reminder>` tags and messages of the role `system` are the client's own and are left out, except where
Claude Code hands over in one of them what the user wrote while the model was working (2.1.329: a system message).
"""

import json
import re
from dataclasses import dataclass

from ccmux.standin.step import JsonObject

_REMINDER = re.compile(r"<system-reminder>(.*?)</system-reminder>", re.DOTALL)
_MID_TURN = re.compile(
    r"The user sent a new message while you were working:\n(.*?)"
    r"(?:\n\nThis is how Claude Code surfaces|\n\nIMPORTANT: After completing your current task|\Z)",
    re.DOTALL,
)
_ENVELOPE = re.compile(r"\[ccmux [^\]]*\](.*?)\[end-[a-z2-7]{8}\]", re.DOTALL)
_DIRECTIVE = re.compile(r"<<standin\b\s*")
_DIRECTIVE_END = re.compile(r"\s*>>")
_ECHO_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest user text ("" when there is none), its place, and the assistant messages that came after it."""

    text: str
    index: int
    answers: int


def messages(body: JsonObject) -> list[JsonObject]:
    """List what the user and the assistant said; whatever else is in the list is skipped."""
    found = body.get("messages")
    return [m for m in found if isinstance(m, dict) and _counts(m)] if isinstance(found, list) else []


def newest(body: JsonObject) -> Newest:
    """Find the last user message that has text of the user's own: tool results and reminders alone do not count."""
    answers = 0
    conversation = messages(body)
    for index in range(len(conversation) - 1, -1, -1):
        if conversation[index]["role"] == "assistant":
            answers += 1
            continue
        text = _own_text(conversation[index])
        if text:
            return Newest(text, index, answers)
    return Newest("", -1, answers)


def ends_in_tool_result(body: JsonObject) -> bool:
    """Whether the last message hands over a tool's result, and the user said nothing with it."""
    last = (messages(body) or [{}])[-1]
    content = last.get("content")
    return (
        isinstance(content, list)
        and not _own_text(last)
        and any(isinstance(b, dict) and b.get("type") == "tool_result" for b in content)
    )


def directive(text: str) -> object:
    """Read the last directive's JSON value in a text; None when there is no directive.

    Raises:
        ValueError: it is not JSON, or not closed by `>>`.

    """
    value, position = None, 0
    while start := _DIRECTIVE.search(text, position):
        value, position = json.JSONDecoder().raw_decode(text, start.end())
        end = _DIRECTIVE_END.match(text, position)
        if end is None:
            raise ValueError("no >> after its JSON")
        position = end.end()
    return value


def echo(text: str) -> str:
    """Say back what was written: the bodies of ccmux envelopes where there are any, otherwise all of it."""
    bodies = [body.strip() for body in _ENVELOPE.findall(text)]
    return "You wrote: " + shorten("\n".join(bodies) if bodies else text)


def shorten(text: str) -> str:
    """Cut the middle out of a text of more than 2000 characters, and say so in its place."""
    if len(text) <= _ECHO_LIMIT:
        return text
    half = _ECHO_LIMIT // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters ...] {text[-half:]}"


def _counts(message: JsonObject) -> bool:
    role = message.get("role")
    return role in ("user", "assistant") or (role == "system" and bool(_own_text(message)))


def _own_text(message: JsonObject) -> str:
    """Leave the client's part out of a message."""
    text = _text(message)
    return (_mid_turn(text) if message.get("role") == "system" else _REMINDER.sub(_unwrap, text)).strip()


def _mid_turn(text: str) -> str:
    return "\n".join(_MID_TURN.findall(text))


def _text(message: JsonObject) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    blocks = [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []
    return "\n".join(str(b.get("text", "")) for b in blocks if b.get("type") == "text")


def _unwrap(reminder: re.Match[str]) -> str:
    return _mid_turn(reminder[1])
