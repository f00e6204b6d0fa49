"""The STEP: one scripted answer, as a checked value.

Content (one of the four; none of them says "OK"):
  text         one text block; "" is a reply without any content
  text_size    one text of exactly that many characters, made of numbered lines
  tool, input  one tool call, after `text` or `text_size` when they are given too
  blocks       [{"text": ...} | {"thinking": ...} | {"tool": NAME, "input": {...}}, ...]
How it is told:
  stop         stop_reason, when the usual `end_turn` or `tool_use` will not do
  delay        seconds before the HTTP answer
  chunk        characters per delta, `chunk_delay` seconds between deltas
  hang         seconds of silence after the first delta
  usage        overrides in the usage object
  headers      more response headers
Faults (`times`: this often, and then the content; without `times`: always):
  status       an HTTP error, with `error` as its type and `message` as its text
  drop         the TCP connection is closed after that many deltas
  stream_error the type of an SSE error event sent after `after` deltas, `message` is its text
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

JsonObject = dict[str, Any]

_HEADER = re.compile(r"[\w-]+: [^\r\n]*")
_FIRST_ERROR, _LAST_ERROR = 400, 599


class StepError(ValueError):
    """A step that is not written as the module's description says; its text is meant for the step's author."""


@dataclass(frozen=True, slots=True)
class Step:
    """One scripted answer; the module describes its fields. None is "not given"."""

    text: str | None = None
    text_size: int | None = None
    blocks: list[JsonObject] | None = None
    tool: str | None = None
    input: JsonObject = field(default_factory=dict)
    stop: str | None = None
    delay: float = 0.0
    chunk: int | None = None
    chunk_delay: float = 0.0
    hang: float = 0.0
    usage: JsonObject = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    error: str | None = None
    message: str | None = None
    drop: int | None = None
    stream_error: str | None = None
    after: int = 1
    times: int | None = None

    def faulty(self) -> bool:
        """Whether it has a fault, which `times` may bound."""
        return self.status is not None or self.drop is not None or self.stream_error is not None

    def at(self, given: int) -> "Step":
        """Resolve `times` once the fault was given that often: the step itself, or its content alone."""
        if self.times is None or given < self.times:
            return self
        return replace(self, status=None, drop=None, stream_error=None, times=None)


_TYPES: dict[str, type[Any] | tuple[type[Any], ...]] = {
    **dict.fromkeys(("text", "tool", "stop", "error", "message", "stream_error"), str),
    **dict.fromkeys(("text_size", "chunk", "status", "drop", "after", "times"), int),
    **dict.fromkeys(("delay", "chunk_delay", "hang"), (int, float)),
    **dict.fromkeys(("input", "usage", "headers"), dict),
    "blocks": list,
}
_BLOCKS = {"text", "thinking", "tool"}


def parse_steps(raw: object) -> list[Step]:
    """Read a list of steps, or one step, from JSON values.

    Raises:
        StepError: it is neither, or a step is wrong; the text names the key.

    """
    return [parse_step(one) for one in (raw if isinstance(raw, (list, tuple)) else [raw])]


def parse_step(raw: object) -> Step:
    """Read one step from a JSON object.

    Raises:
        StepError: an unknown key, a value of the wrong type or size, or keys that exclude each other.

    """
    if not isinstance(raw, Mapping):
        raise StepError(f"a step is an object, not {type(raw).__name__}")
    for key, value in raw.items():
        _check_field(key, value)
    step = Step(**{**raw, "headers": {name: str(value) for name, value in raw.get("headers", {}).items()}})
    if step.text is not None and step.text_size is not None:
        raise StepError("text and text_size exclude each other")
    if step.blocks is not None and (step.text, step.text_size, step.tool) != (None, None, None):
        raise StepError("blocks excludes text, text_size and tool")
    if step.status is not None and not _FIRST_ERROR <= step.status <= _LAST_ERROR:
        raise StepError(f"status is an HTTP error ({_FIRST_ERROR} to {_LAST_ERROR}), not {step.status}")
    if step.chunk == 0:
        raise StepError("chunk must be at least 1")
    for block in step.blocks or []:
        _check_block(block)
    for name, text in step.headers.items():
        if not _HEADER.fullmatch(f"{name}: {text}"):
            raise StepError(f"headers holds a bad header: {name!r}")
    return step


def _check_field(key: object, value: object) -> None:
    """Check that the key exists and that its value has its type, no number being below 0."""
    if not isinstance(key, str) or key not in _TYPES:
        raise StepError(f"unknown step key {key!r}; there are {', '.join(sorted(_TYPES))}")
    if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
        raise StepError(f"{key} does not take {value!r}")
    if isinstance(value, (int, float)) and not value >= 0:
        raise StepError(f"{key} must not be below 0")


def _check_block(block: object) -> None:
    """Check one entry of `blocks`."""
    kinds = _BLOCKS & block.keys() if isinstance(block, dict) else set()
    if not isinstance(block, dict) or len(kinds) != 1:
        raise StepError(f"a block is one of text, thinking, tool (with input), not {block!r}")
    kind = next(iter(kinds))
    if not isinstance(block[kind], str) or not isinstance(block.get("input", {}), dict):
        raise StepError(f"a {kind} block does not take {block!r}")
    extra = block.keys() - {kind} - ({"input"} if kind == "tool" else set())
    if extra:
        raise StepError(f"unknown key {min(extra)!r} in a {kind} block")
