from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.transcript import events_of, task_ids
from ccmux.model.ids import Nonce
from ccmux.model.turn import FinalText, LimitTold, PromptCommitted, TurnInterrupted

OURS = "[ccmux channel=local from=eve id=m-1] x [end-abcdefg7]"


def row(kind: str, content: Any, **more: Any) -> bytes:
    stop = {"stop_reason": more.pop("stop")} if "stop" in more else {}
    whole = {"type": kind, "uuid": "u", "promptId": "p", "message": {"content": content, **stop}, **more}
    return json.dumps(whole, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("line", "events"),
    [
        (row("user", OURS), [PromptCommitted("p", Nonce("abcdefg7"), "u")]),
        (row("user", [{"type": "text", "text": OURS}]), [PromptCommitted("p", Nonce("abcdefg7"), "u")]),
        (row("user", "typed"), [PromptCommitted("p", None, "u")]),
        (row("user", [{"type": "tool_result", "content": OURS}]), []),
        (row("user", OURS, isSidechain=True), []),
        (row("user", OURS, isMeta=True), []),
        (row("user", "[Request interrupted by user for tool use]"), [TurnInterrupted("u")]),
        (row("assistant", [{"type": "text", "text": "hi"}], stop="end_turn"), [FinalText("hi", "u")]),
        (row("assistant", [{"type": "text", "text": "hi"}], stop="tool_use"), []),
        (row("assistant", [{"type": "thinking", "thinking": "hm"}], stop="end_turn"), []),
        (row("assistant", None), []),
        (row("queue-operation", OURS), []),
        (b"", []),
        (b'{"type":"user"', []),
        (b'{"type":"user","message":3}', []),
    ],
)
def test_rows(line: bytes, events: list[object]) -> None:
    assert events_of(line) == events


def test_tasks() -> None:
    note = "<task-notification>\n<task-id>b1-x</task-id>\n</task-notification>"
    assert task_ids(note) == ("b1-x",)
    assert task_ids("see " + note) == ()
    assert events_of(row("user", note)) == [PromptCommitted("p", None, "u", ("b1-x",))]


@given(st.binary())
def test_no_bytes_raise(junk: bytes) -> None:
    assert events_of(junk) == []
    assert events_of(b'{"type":"user","message":' + junk) == []


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.sampled_from(["type", "text", "content"]), inner)),
)


def test_a_block_without_words_is_no_error() -> None:
    events_of(row("user", [{"type": "text", "text": None}]))


@given(JSON)
def test_any_content_without_odd_text_blocks_is_understood_or_ignored(content: Any) -> None:
    odd = isinstance(content, list) and any(
        isinstance(b, dict) and b.get("type") == "text" and not isinstance(b.get("text", ""), str) for b in content
    )
    if not odd:
        events_of(row("user", content))
        events_of(row("assistant", content, stop="end_turn"))


@pytest.mark.parametrize("more", [b'"toolUseResult":', b'"message":'])
def test_a_deep_row_is_no_error(more: bytes) -> None:
    assert events_of(b'{"type":"user",' + more + b'{"content":' + b"[" * 2000 + b"]" * 2000 + b"}}") == []


def test_a_refusal_tells_until_when() -> None:
    row = {
        "type": "assistant",
        "uuid": "u",
        "isApiErrorMessage": True,
        "error": "rate_limit",
        "quotaLimits": {"status": "rejected", "resetsAt": 1795284569, "rateLimitType": "five_hour"},
        "message": {"content": [{"type": "text", "text": "You've hit your limit"}], "stop_reason": "stop_sequence"},
    }
    assert events_of(json.dumps(row, separators=(",", ":")).encode()) == [LimitTold(1795284569.0)]
    row["quotaLimits"] = {"status": "rejected"}
    assert events_of(json.dumps(row, separators=(",", ":")).encode()) == []
