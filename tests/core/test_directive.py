"""A directive as it is written, and as it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.directive import MAX_BYTES, directive_of
from ccmux.model.directive import Directive, Priority, as_object

EXAMPLE: dict[str, Any] = {
    "type": "task",
    "from": "personal-assistant",
    "content": "Admin wants a summary of this week's IPO activity",
    "priority": "normal",
    "deadline": None,
}


def test_the_example_is_taken_verbatim_and_its_from_is_nobodys_word() -> None:
    found = directive_of(json.dumps(EXAMPLE | {"from": "the king"}))
    assert found == Directive(EXAMPLE["content"])
    assert isinstance(found, Directive)
    assert as_object(found, "personal-assistant") == EXAMPLE


def test_plain_text_is_one_and_so_is_what_only_looks_like_an_object() -> None:
    assert directive_of("write a summary") == Directive("write a summary")
    assert directive_of("{not json") == Directive("{not json")


def test_a_deadline_is_a_moment() -> None:
    found = directive_of(json.dumps(EXAMPLE | {"priority": "high", "deadline": "1970-01-02T00:00:00+00:00"}))
    assert isinstance(found, Directive)
    assert (found.priority, found.expires_at) == (Priority.HIGH, 86400.0)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("content", ""), ("content", 3), ("content", "x" * (MAX_BYTES + 1)), ("type", "rm -rf"), ("type", 1), ("priority", "now"),
     ("priority", []), ("deadline", "soon"), ("deadline", "2026-03-01T18:00:00"), ("deadline", 5)],
)  # fmt: skip
def test_what_is_wrong_is_said_by_its_name(key: str, wrong: object) -> None:
    found = directive_of(json.dumps(EXAMPLE | {key: wrong}))
    assert isinstance(found, str)
    assert f"`{key}`" in found


@given(st.text())
def test_any_text_is_one_or_is_refused_with_a_sentence(text: str) -> None:
    found = directive_of(text)
    assert found if isinstance(found, str) else found.content.strip()
