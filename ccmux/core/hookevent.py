"""What a spooled hook payload of Claude Code tells, as turn events. Facts: payloads of 2.1.329; docs/CLAUDE-CODE.md."""

from __future__ import annotations

import msgspec

from ccmux.core.envelope import nonce_of
from ccmux.core.transcript import task_ids
from ccmux.model.turn import PromptAccepted, SessionBegan, TurnEnded, TurnEvent, TurnFailed


class _Task(msgspec.Struct, frozen=True):
    id: str = ""


class _Payload(msgspec.Struct, frozen=True):
    hook_event_name: str = ""
    session_id: str = ""
    transcript_path: str = ""
    prompt_id: str | None = None
    agent_id: str | None = None
    source: str = ""
    prompt: str = ""
    last_assistant_message: str | None = None
    background_tasks: tuple[_Task, ...] = ()
    error: str | None = None


_decode = msgspec.json.Decoder(_Payload).decode


def event_of(payload: bytes) -> TurnEvent | None:
    """The event in one hook payload; None for hooks that tell nothing here (as those of subagents).

    Raises msgspec.DecodeError when it is not a payload at all.
    """
    try:
        hook = _decode(payload)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(f"not a payload: {error}") from error
    prompt_id = hook.prompt_id or ""
    if hook.agent_id:
        return None
    match hook.hook_event_name:
        case "UserPromptSubmit":
            return PromptAccepted(prompt_id, nonce_of(hook.prompt), task_ids(hook.prompt))
        case "Stop":
            running = tuple(task.id for task in hook.background_tasks)
            return TurnEnded(prompt_id, hook.last_assistant_message or "", running)
        case "StopFailure":
            return TurnFailed(prompt_id, hook.error or "unknown", hook.last_assistant_message or "")
        case "SessionStart":
            return SessionBegan(hook.session_id, hook.transcript_path, hook.source)
        case _:
            return None
