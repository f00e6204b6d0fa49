from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.hookevent import event_of
from ccmux.model.ids import Nonce
from ccmux.model.turn import PromptAccepted, SessionBegan, TurnEnded, TurnFailed


def hook(name: str, **more: Any) -> bytes:
    return json.dumps({"hook_event_name": name, "prompt_id": "p", "session_id": "s", **more}).encode()


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (hook("UserPromptSubmit", prompt="[ccmux a] b [end-abcdefg7]"), PromptAccepted("p", Nonce("abcdefg7"))),
        (hook("UserPromptSubmit", prompt="typed"), PromptAccepted("p", None)),
        (hook("UserPromptSubmit", prompt="typed", prompt_id=None), PromptAccepted("", None)),
        (
            hook("Stop", last_assistant_message="hi", background_tasks=[{"id": "t", "x": 1}]),
            TurnEnded("p", "hi", ("t",)),
        ),
        (hook("Stop", last_assistant_message=None), TurnEnded("p", "")),
        (hook("Stop", agent_id="a"), None),
        (hook("StopFailure", error="rate_limit", last_assistant_message="x"), TurnFailed("p", "rate_limit", "x")),
        (hook("StopFailure"), TurnFailed("p", "unknown", "")),
        (hook("SessionStart", source="resume", transcript_path="/t"), SessionBegan("s", "/t", "resume")),
        (hook("SubagentStop"), None),
        (b"{}", None),
    ],
)
def test_payloads(payload: bytes, event: object) -> None:
    assert event_of(payload) == event


@given(st.binary())
def test_what_is_no_payload_is_a_decode_error(junk: bytes) -> None:
    with contextlib.suppress(msgspec.DecodeError):
        assert event_of(junk) is None


def test_a_deep_payload_is_a_decode_error() -> None:
    with contextlib.suppress(msgspec.DecodeError):
        event_of(b'{"tool_input":' + b"[" * 2000 + b"]" * 2000 + b"}")
