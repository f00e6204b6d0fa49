"""What a turn is doing, in a few words: from the rows of Claude's transcript, for whoever waits for the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from ccmux.model.ids import MessageId

_LONGEST: Final = 80
_LINES: Final = 5
_SECRETS: Final = re.compile(r"(?i)\b(xox[a-z]-|xapp-|sk-|ghp_|akia)[\w-]+|(bearer|token|password|secret)[=: ]+\S+")
_BLANKS: Final = re.compile(r"\s+")
_TESTS: Final = re.compile(r"\b(pytest|tox|npm (run )?test|make test|cargo test|go test|jest|vitest|unittest)\b")


class _Use(msgspec.Struct, frozen=True):
    type: str = ""
    name: str = ""
    input: dict[str, Any] = {}


class _Said(msgspec.Struct, frozen=True):
    content: str | list[_Use] = ""


class _Row(msgspec.Struct, frozen=True, rename="camel"):
    type: str = ""
    is_sidechain: bool = False
    message: _Said | None = None


_decode = msgspec.json.Decoder(_Row).decode


@dataclass(frozen=True, slots=True)
class Activity:
    """The turn that runs now."""

    message_id: MessageId = field(default=MessageId(""))
    """which caused it; empty: the terminal, or none runs"""
    since: float = 0.0
    """wall clock; 0: none runs"""
    lines: tuple[str, ...] = ()
    """what it did last, the latest at the end"""

    def doing(self, words: str) -> Activity:
        """It does that now. The same as before is one line."""
        if self.lines[-1:] == (words,):
            return self
        return replace(self, lines=(*self.lines, words)[-_LINES:])


def seen(line: bytes) -> list[str]:
    """What the tools that one row of a transcript calls are for, in words; a row that is not understood is none."""
    if b'"tool_use"' not in line:
        return []
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if row.type != "assistant" or row.is_sidechain or row.message is None or isinstance(row.message.content, str):
        return []
    return [words(use.name, use.input) for use in row.message.content if use.type == "tool_use"]


def words(tool: str, given: Mapping[str, Any]) -> str:
    """`reading app.py`, `running: make`; one line, no secret that shows itself as one."""
    make = _KNOWN.get(tool)
    said = make(given) if make is not None else f"using {tool}"
    return _short(said)


def _short(text: str) -> str:
    plain = _SECRETS.sub("…", _BLANKS.sub(" ", text)).strip()
    shown = "".join(char for char in plain if char.isprintable())
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _file(given: Mapping[str, Any]) -> str:
    path = str(given.get("file_path") or given.get("notebook_path") or given.get("path") or "")
    return "/".join(path.rstrip("/").rsplit("/", 2)[-2:]).lstrip("/") or "a file"


def _bash(given: Mapping[str, Any]) -> str:
    command = str(given.get("command", ""))
    if _TESTS.search(command):
        return "running tests"
    return str(given.get("description", "")) or f"running: {command}"


_KNOWN: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "Read": lambda given: f"reading {_file(given)}",
    "Write": lambda given: f"writing {_file(given)}",
    "Edit": lambda given: f"editing {_file(given)}",
    "MultiEdit": lambda given: f"editing {_file(given)}",
    "NotebookEdit": lambda given: f"editing {_file(given)}",
    "Bash": _bash,
    "Grep": lambda given: f"searching for {given.get('pattern', '')}",
    "Glob": lambda given: f"looking for {given.get('pattern', '')}",
    "WebFetch": lambda given: f"fetching {given.get('url', '')}",
    "WebSearch": lambda given: f"searching the web for {given.get('query', '')}",
    "Task": lambda given: f"having a subagent: {given.get('description', '')}",
    "Agent": lambda given: f"having a subagent: {given.get('description', '')}",
    "TodoWrite": lambda _: "planning",
}
