"""What is to be said as what is to be done at Slack. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from ccmux.gateways.slack.format.approval import Request, approval, decided
from ccmux.gateways.slack.format.blocks import Small, notice, progress
from ccmux.gateways.slack.format.parts import FilePart, Part, parts
from ccmux.gateways.words import Answer, Asked, Draft, Mark, Notice, Out, Verb
from ccmux.model.approval import ApprovalState, Kind

_EMOJI: Final = {Mark.KEPT: "eyes", Mark.DONE: "white_check_mark", Mark.FAILED: "warning"}
_ENDS: Final = {
    ApprovalState.ALLOWED: "Allowed",
    ApprovalState.DENIED: "Denied",
    ApprovalState.EXPIRED: "Nobody answered: denied",
    ApprovalState.WITHDRAWN: "No longer asked",
}


def drafts(out: Out) -> tuple[Draft, ...]:
    """An answer may need several."""
    if isinstance(out, Answer):
        return (
            *_answer(out),
            *(Draft(Verb.UPLOAD, {"path": path, "name": path.rpartition("/")[2]}) for path in out.files),
        )
    if isinstance(out, Asked):
        return (_asked(out.approval),)
    if isinstance(out, Notice):
        return (_small(notice(f"⚠️ {out.text}" if out.trouble else out.text)),)
    return (_small(progress(out.lines)),)


def mark(mark: Mark, before: Mark | None) -> tuple[Draft, ...]:
    """The new one first: there is always one to be seen."""
    if mark is before:
        return ()
    new = Draft(Verb.REACT, {"name": _EMOJI[mark]})
    return (new,) if before is None else (new, Draft(Verb.UNREACT, {"name": _EMOJI[before]}))


def _answer(answer: Answer) -> tuple[Draft, ...]:
    if answer.files and not answer.text.strip():
        return ()
    return tuple(_part(one) for one in parts(answer.text))


def _part(part: Part | FilePart) -> Draft:
    if isinstance(part, FilePart):
        return Draft(Verb.UPLOAD, {"content": part.content, "name": part.name, "text": part.text})
    return Draft(Verb.POST, part.payload(), part.plain_payload())


def _small(small: Small) -> Draft:
    return Draft(Verb.POST, small.payload(), small.plain_payload())


def _asked(told: Mapping[str, Any]) -> Draft:
    cause = told.get("cause") or {}
    request = Request(
        id=str(told["id"]),
        code=str(told["code"]),
        kind=Kind(told["kind"]),
        instance=str(told["instance"]),
        tool=str(told.get("tool") or ""),
        input=told.get("input") or {},
        cwd=str(told.get("cwd") or ""),
        who=str(cause.get("sender") or ""),
    )
    state = ApprovalState(told.get("state") or ApprovalState.OPEN)
    if state is ApprovalState.OPEN:
        return _small(approval(request))
    at = told.get("decided_at")
    when = time.strftime("%H:%M", time.localtime(at)) if isinstance(at, int | float) else ""
    return _small(decided(request, _ENDS[state], str(told.get("decided_by") or ""), when))
