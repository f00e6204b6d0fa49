"""Messages of ccmux itself: within Slack's limits, and no approval hides anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.gateways.slack.format.approval import Request, approval, decided
from ccmux.gateways.slack.format.blocks import Small, notice, progress, queued
from ccmux.gateways.slack.format.press import Press, pressed
from ccmux.gateways.slack.format.size import units
from ccmux.model.approval import Kind
from tests.gateways.slack.test_parts import BAIT, CALL, LIVE


def asked(tool: str = "Bash", kind: Kind = Kind.TOOL, **given: Any) -> Request:
    return Request("a-1", "k3f9", kind, "shop", tool, given, "/w", "anna")


def words(message: Small) -> str:
    return str(message.plain_payload()["text"])


def buttons(message: Small) -> list[dict[str, Any]]:
    return [one for block in message.blocks if block["type"] == "actions" for one in block["elements"]]


def within_limits(message: Small) -> None:
    blocks = message.payload()["blocks"]
    assert 1 <= len(blocks) <= 50
    assert units(message.text) <= 3_000
    assert units(json.dumps(blocks, ensure_ascii=False)) < 13_000
    for block in blocks:
        if block["type"] == "section":
            assert 1 <= units(block["text"]["text"]) <= 3_000
        if block["type"] == "context":
            assert all(1 <= units(one["text"]) <= 2_000 for one in block["elements"])
    names = [one["action_id"] for one in buttons(message)]
    assert len(set(names)) == len(names)
    for one in buttons(message):
        assert units(one["text"]["text"]) <= 75
        assert len(one["value"]) <= 2_000
        assert len(one["action_id"]) <= 255
    shown = [words(message), message.text, *(one["text"]["text"] for one in buttons(message))]
    assert not any(LIVE.search(one) or CALL.search(one) for one in shown)
    assert "<" not in words(message) + message.text


@given(BAIT, BAIT, st.sampled_from(Kind))
def test_anything_can_be_asked(one: str, other: str, kind: Kind) -> None:
    options = [{"label": one}, {"label": other}]
    given = {"command": one * 9, other: one, "plan": other, "questions": [{"question": one, "options": options}]}
    request = Request("a-1", "k3f9", kind, one, other, given, other, one)
    within_limits(approval(request))
    within_limits(decided(request, one, other, "14:03"))
    within_limits(notice(one))
    within_limits(progress([one, other]))


def test_a_command_is_shown_whole_with_three_buttons() -> None:
    message = approval(asked(command="rm -rf build && make <all>", timeout=5))
    assert "```\nrm -rf build &amp;&amp; make &lt;all&gt;\ntimeout: 5\n```" in words(message)
    assert [one["text"]["text"] for one in buttons(message)] == ["Allow once", "Allow for this conversation", "Deny"]
    assert [pressed(one["value"]) for one in buttons(message)] == [
        Press("a-1", "allow"),
        Press("a-1", "session"),
        Press("a-1", "deny"),
    ]
    assert "in `/w`  for anna  code k3f9" in words(message)
    assert "/approve k3f9" in words(message)


def test_what_is_cut_is_counted() -> None:
    message = approval(asked(command="x" * 20_000))
    text = words(message)
    shown = sum(block["text"]["text"].count("x") for block in message.blocks if "```" in str(block))
    assert (
        f"*… {20_000 - shown} more characters that are not shown here*: `ccmux approvals` shows all of it (k3f9)"
        in text
    )
    within_limits(message)


@pytest.mark.parametrize("evil", ["\x1b[2K", "\u202e", "\u200b", "\r", "\u2028", "\U000e0041"])
def test_nothing_steers_the_eye(evil: str) -> None:
    text = words(approval(asked(command=f"echo {evil}safe")))
    assert evil not in text
    assert f"\\u{ord(evil[0]):04x}" in text


def test_nothing_leaves_its_section_and_what_was_changed_is_said() -> None:
    message = approval(asked(command="a\n```\n*Harmless.* <!channel>\n```"))
    assert "a\n` ` `\n*Harmless.* &lt; !channel&gt;\n` ` `\n" in words(message)
    assert "A blank was put into" in words(message)
    assert "A blank was put into" not in words(approval(asked(command="a `b`")))


def test_a_change_is_shown_as_a_diff_and_a_file_with_its_path() -> None:
    text = words(approval(asked("Edit", file_path="/w/a.py", old_string="a\nb", new_string="a\nB", replace_all=True)))
    assert "/w/a.py\n@@ -1,2 +1,2 @@\n a\n-b\n+B\nreplace_all: True" in text
    assert "/w/b.py\nwhole\nfile" in words(approval(asked("Write", file_path="/w/b.py", content="whole\nfile")))


def test_a_path_is_one_line() -> None:
    text = words(approval(asked("Write", file_path="/w/a\n/w/b", content="x")))
    assert "/w/a\\u000a/w/b\nx" in text


def test_an_option_is_a_button() -> None:
    part = {"question": "Which?", "options": [{"label": "Red"}, {"label": "B" * 99}]}
    message = approval(asked("AskUserQuestion", Kind.QUESTION, questions=[part]))
    assert [one["text"]["text"] for one in buttons(message)] == ["Red", "B" * 74 + "…"]
    assert [pressed(one["value"]) for one in buttons(message)] == [
        Press("a-1", "allow", "1"),
        Press("a-1", "allow", "2"),
    ]
    assert "B" * 99 in words(message)


def test_several_questions_or_many_options_are_answered_by_a_line() -> None:
    part = {"question": "Which?", "options": [{"label": "Red"}], "multiSelect": True}
    message = approval(asked("AskUserQuestion", Kind.QUESTION, questions=[part, part]))
    assert not buttons(message)
    assert "Answer: /approve k3f9 1; 2   or   /deny k3f9" in words(message)
    assert "(several: 1,3)" in words(message)
    many = {"question": "Which?", "options": [{"label": str(n)} for n in range(6)]}
    assert not buttons(approval(asked("AskUserQuestion", Kind.QUESTION, questions=[many])))


def test_a_plan_is_approved_or_denied() -> None:
    message = approval(asked("ExitPlanMode", Kind.PLAN, plan="# first\n1. this"))
    assert "# first\n1. this" in words(message)
    assert [one["text"]["text"] for one in buttons(message)] == ["Approve", "Deny"]


def test_once_decided_there_are_no_buttons() -> None:
    message = decided(asked(command="make"), "Allowed", "<@U1>", "14:03")
    assert not buttons(message)
    assert message.blocks[-1]["elements"][0]["text"] == "*Allowed by &lt; @U1&gt;, 14:03*"
    assert "make" in words(message)
    assert decided(asked(command="make"), "Allowed", "ann", "").text.endswith(": Allowed by ann")


@pytest.mark.parametrize(
    "value", ["", "{}", '{"id":"a","decision":"own"}', "[" * 9_999, "\ud800", '{"id":1,"decision":"deny"}']
)
def test_a_foreign_button_is_none_of_ours(value: str) -> None:
    assert pressed(value) is None


def test_small_words() -> None:
    assert queued(0).text == "Next in line."
    assert queued(1).text == "Queued: 1 message is before it."
    assert queued(3).text == "Queued: 3 messages are before it."
    assert progress(["Read a.py", "Edit  b.py\n"]).text == "Read a.py\nEdit b.py"
    assert progress([]).text == "…"
    assert progress([f"line {n}" for n in range(999)]).text.endswith("line 998")
    assert words(notice("The login of shop ended. Mend it: ccmux doctor <shop>")).endswith("ccmux doctor &lt;shop&gt;")
    assert "more characters." in words(notice("x" * 20_000))
