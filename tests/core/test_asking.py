"""What a person is shown of a question: all of it, and nothing that deceives."""

from __future__ import annotations

from typing import Any

import pytest

from ccmux.core.asking import words
from ccmux.core.permission import kind_of
from ccmux.model.approval import Approval, Asked, Cause
from ccmux.model.ids import ChannelName, MessageId


def shown(tool: str, **given: Any) -> str:
    cause = Cause(MessageId("m-1"), ChannelName("team"), "anna")
    return words(Approval("a-1", "k3f9", Asked(kind_of(tool), tool, given, "/w", "p", "k", "s"), cause, 0, 0), "shop")


def test_a_command_is_shown_whole_with_who_asked_and_how_to_answer() -> None:
    command = "first\n" + "x" * 19_000 + "\nlast"
    text = shown("Bash", command=command)
    assert text.startswith("shop wants to use Bash in /w for m-1 (anna on team):\n  first\n")
    assert "\n  last\nccmux approve k3f9   or   ccmux deny k3f9" in text


def test_what_is_cut_is_said() -> None:
    assert "… 5000 more characters" in shown("Bash", command="x" * 25_000)


def test_a_change_is_shown_as_a_diff() -> None:
    text = shown("Edit", file_path="/w/a.py", old_string="a\nb\nc", new_string="a\nB\nc")
    assert "  /w/a.py\n" in text
    assert "  -b\n  +B\n" in text


@pytest.mark.parametrize("evil", ["\x1b[2K", "\u202e", "\u200b", "\r", "\x08", "\U000e0041"])
def test_nothing_steers_the_eye(evil: str) -> None:
    text = shown("Bash", command=f"echo {evil}safe")
    assert evil not in text
    assert f"\\u{ord(evil[0]):04x}" in text


def test_a_question_shows_its_options_and_a_plan_its_text() -> None:
    options = [{"label": "Red"}, {"label": "Blue"}]
    text = shown("AskUserQuestion", questions=[{"question": "Which?", "options": options, "multiSelect": True}])
    assert "  Which?\n    1. Red\n    2. Blue\n    (several: 1,3)\nccmux approve k3f9 --answer …" in text
    assert "  # first\n" in shown("ExitPlanMode", plan="# first\n1. this")


def test_whatever_else_is_shown_key_by_key() -> None:
    assert "  url: https://x.org\n" in shown("WebFetch", url="https://x.org", prompt="read")


def test_no_changed_line_is_taken_for_a_header_of_the_diff() -> None:
    text = shown(
        "Edit", file_path="/w/a.c", old_string="int i;\n-- check", new_string="int i;\n++i; evil();", replace_all=True
    )
    assert "  ---- check" not in text
    assert "  --- check\n" in text
    assert "  +++i; evil();\n" in text
    assert "  replace_all: True\n" in text


def test_what_else_a_command_is_given_is_shown() -> None:
    assert "  dangerouslyDisableSandbox: True\n" in shown("Bash", command="make", dangerouslyDisableSandbox=True)
