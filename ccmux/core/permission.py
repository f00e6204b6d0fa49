"""What becomes of a tool that Claude wants to use: nothing of ours, or a person is asked.

Asked where the turn came from. A turn of the terminal keeps Claude's own dialog; a turn of a message draws none: whoever
sent the message is asked, and what nobody answers is denied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from ccmux.core.rules import EDITORS, covers
from ccmux.model.approval import Asked, Kind
from ccmux.model.instance import Role

_KINDS: Final = {"AskUserQuestion": Kind.QUESTION, "ExitPlanMode": Kind.PLAN}
_ASKED: Final = frozenset({"Bash", "Edit", "Write", "MultiEdit", "NotebookEdit", "WebFetch", "WebSearch"})
"""Tools that Claude asks for, beside those of MCP servers. What else it asks for comes by its PermissionRequest hook."""


SERVER: Final = "ccmux"
"""The MCP server with the tools of an instance; see `ccmux.hooks.mcp`."""
OURS: Final = {
    Role.PROJECT: (f"mcp__{SERVER}__report", "Bash(ccmux report:*)"),
    Role.ASSISTANT: tuple(f"mcp__{SERVER}__{tool}" for tool in ("projects", "project_reports", "direct")),
}
"""What needs no question: the daemon holds it to what it may be."""

PLAN: Final = "plan"
"""Claude's mode in which it asks for every tool, also for those that its hook allowed."""


class Way(Enum):
    """What the hook is to tell Claude."""

    CLAUDE = auto()
    """nothing: its own rules, or its own dialog, decide"""
    ALLOW = auto()
    ASK = auto()
    DENY = auto()
    """Claude protects this file whatever is allowed (measured: it keeps its dialog), and a message's turn shall draw none"""


def kind_of(tool: str) -> Kind:
    return _KINDS.get(tool, Kind.TOOL)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the instance allows and denies without a question, and the home directory that `~/` in it means."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]
    home: str


def way(asked: Asked, *, terminal: bool, requested: bool, rules: Rules, granted: frozenset[str]) -> Way:
    """`requested`: Claude itself is about to ask (its PermissionRequest hook). `granted`: see `grant`."""
    if terminal:
        return Way.CLAUDE
    if requested and asked.kind is Kind.TOOL and asked.tool in EDITORS and asked.mode != PLAN:
        return Way.DENY
    if asked.kind is not Kind.TOOL or requested:
        return Way.ASK
    if not (asked.tool in _ASKED or asked.tool.startswith("mcp__")):
        return Way.CLAUDE
    if any(
        covers(some, asked.tool, asked.input, work=asked.cwd, home=rules.home) for some in (rules.deny, rules.allow)
    ):
        return Way.CLAUDE
    return Way.ALLOW if grant(asked) in granted else Way.ASK


def grant(asked: Asked) -> str:
    """What "for this session" means: this very use of the tool, in this directory. What Claude says of it does not count."""
    given = {key: value for key, value in asked.input.items() if key != "description"}
    return f"{asked.tool} in {asked.cwd}: {json.dumps(given, sort_keys=True, ensure_ascii=False)}"


def questions(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of a question, each with `question` and `options`."""
    found = given.get("questions")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def choices(question: Mapping[str, Any]) -> list[str]:
    """The labels of its options."""
    found = question.get("options")
    return [str(one.get("label", "")) for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def answered(given: Mapping[str, Any], answers: tuple[str, ...]) -> dict[str, Any]:
    """The tool's input with the answers in it: a number is an option's, several are separated by commas, else it is text."""
    parts = questions(given)
    told = {str(part.get("question", "")): _said(part, said) for part, said in zip(parts, answers, strict=True)}
    return {**given, "answers": told}


def _said(part: Mapping[str, Any], said: str) -> str:
    labels = choices(part)
    picked = [word.strip() for word in said.split(",")]
    if all(word.isdecimal() and 1 <= int(word) <= len(labels) for word in picked):
        return ", ".join(labels[int(word) - 1] for word in picked)
    return said
