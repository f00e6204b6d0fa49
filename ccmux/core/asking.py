"""A question of Claude's in words for a person, on any channel. The whole command, the whole change: nothing is hidden."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from ccmux.core.permission import choices, questions
from ccmux.model.approval import Approval, Kind

_SHOWN: Final = 20_000
"""Characters of one value; what is cut is said."""
_PATHS: Final = ("file_path", "notebook_path")


def words(approval: Approval, instance: str) -> str:
    """What is asked, for whom, and how to answer."""
    asked, cause = approval.asked, approval.cause
    whom = f" for {cause.message_id} ({cause.sender} on {cause.channel})" if cause.message_id else ""
    body = {Kind.TOOL: _tool, Kind.QUESTION: _question, Kind.PLAN: _plan}[asked.kind](approval)
    head = {
        Kind.TOOL: f"{instance} wants to use {asked.tool} in {asked.cwd}{whom}:",
        Kind.QUESTION: f"{instance} asks{whom}:",
        Kind.PLAN: f"{instance} has a plan{whom}:",
    }[asked.kind]
    return "\n".join([visible(head), *(f"  {visible(line)}" for line in body), _how(approval)])


def frame(one: Approval, instance: str) -> dict[str, Any]:
    """As `approvals --json` shows it; see docs/PROTOCOL.md."""
    asked, cause = one.asked, one.cause
    parts = questions(asked.input) if asked.kind is Kind.QUESTION else []
    return {
        "id": one.id,
        "code": one.code,
        "instance": instance,
        "kind": asked.kind,
        "tool": asked.tool,
        "input": asked.input,
        "cwd": asked.cwd,
        "cause": {"message_id": cause.message_id, "channel": cause.channel, "sender": cause.sender},
        "options": [choices(part) for part in parts],
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "state": one.state,
        "decided_by": one.decided_by,
        "reason": one.reason,
    }


def visible(text: str) -> str:
    """With everything that does not show itself, or steers a terminal or the direction of writing, spelled out."""
    return "".join(char if char.isprintable() or char == "\t" else f"\\u{ord(char):04x}" for char in text)


def _how(approval: Approval) -> str:
    code = approval.code
    answer = " --answer …" * len(questions(approval.asked.input)) if approval.asked.kind is Kind.QUESTION else ""
    return f"ccmux approve {code}{answer}   or   ccmux deny {code} [--reason …]"


def _tool(approval: Approval) -> list[str]:
    given = approval.asked.input
    if approval.asked.tool == "Bash":
        return [*_cut(str(given.get("command", ""))), *_others(given, "command")]
    path = str(given.get("file_path") or given.get("notebook_path") or "")
    if path and "new_string" in given:
        change = _change(str(given.get("old_string", "")), str(given["new_string"]))
        return [path, *change, *_others(given, *_PATHS, "old_string", "new_string")]
    if path and "content" in given:
        return [path, *_cut(str(given["content"])), *_others(given, *_PATHS, "content")]
    return _others(given)


def _others(given: Mapping[str, Any], *shown: str) -> list[str]:
    """Whatever else the tool is given."""
    return [line for key, value in given.items() if key not in shown for line in _cut(f"{key}: {value}")]


def _change(old: str, new: str) -> list[str]:
    diff = difflib.unified_diff(old.split("\n"), new.split("\n"), lineterm="", n=2)
    return _cut("\n".join(islice(diff, 2, None)))  # without the names of two files that there are not


def _question(approval: Approval) -> list[str]:
    lines: list[str] = []
    for part in questions(approval.asked.input):
        lines.append(str(part.get("question", "")))
        lines += [f"  {number}. {label}" for number, label in enumerate(choices(part), 1)]
        if part.get("multiSelect"):
            lines.append("  (several: 1,3)")
    return lines


def _plan(approval: Approval) -> list[str]:
    return _cut(str(approval.asked.input.get("plan", "")) or "(its text is in the transcript: attach to read it)")


def _cut(text: str) -> list[str]:
    more = len(text) - _SHOWN
    return [*text[:_SHOWN].split("\n"), *([f"… {more} more characters"] if more > 0 else [])]
