"""Rows of Claude Code's transcript (JSONL), to turn events. Facts: seen in the files of 2.1.329; see docs/CLAUDE-CODE.md.

An internal format of another program: a row that is not understood is no event, never an error.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from ccmux.core.envelope import nonce_of
from ccmux.core.limit import epoch_of
from ccmux.model.turn import FinalText, LimitTold, PromptCommitted, TurnEvent, TurnInterrupted

_TASK: Final = re.compile(r"<task-id>([\w-]{1,64})</task-id>")
_INTERRUPTED: Final = "[Request interrupted by user"


class _Message(msgspec.Struct, frozen=True):
    content: Any = None
    stop_reason: str | None = None


class _Row(msgspec.Struct, frozen=True, rename="camel"):
    type: str = ""
    uuid: str = ""
    prompt_id: str | None = None
    is_sidechain: bool = False
    is_meta: bool = False
    quota_limits: Any = None
    message: _Message | None = None


_decode = msgspec.json.Decoder(_Row).decode


def task_ids(prompt: str) -> tuple[str, ...]:
    """The background tasks that a machine-made prompt reports as ended; empty for a person's prompt."""
    return tuple(_TASK.findall(prompt)) if prompt.lstrip().startswith("<task-notification>") else ()


def events_of(line: bytes) -> list[TurnEvent]:
    """What one complete line of a transcript tells."""
    if b'"type":"user"' not in line and b'"type":"assistant"' not in line:
        return []
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if row.is_sidechain or row.message is None:
        return []
    if row.type == "assistant" and row.quota_limits is not None:
        resets_at = epoch_of(row.quota_limits)
        return [LimitTold(resets_at)] if resets_at else []
    text = _text(row.message.content)
    if row.type == "assistant":
        return [FinalText(text, row.uuid)] if row.message.stop_reason == "end_turn" and text else []
    if row.type != "user" or row.is_meta or text is None:
        return []
    if text.startswith(_INTERRUPTED):
        return [TurnInterrupted(row.uuid)]
    return [PromptCommitted(row.prompt_id or "", nonce_of(text), row.uuid, task_ids(text))]


def _text(content: Any) -> str | None:  # noqa: ANN401 - a string or a list of blocks
    """The words of a message; None when it is only tool results."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    words = [block.get("text") for block in content if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(word for word in words if isinstance(word, str)) if words else None
