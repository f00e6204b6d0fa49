"""Which uses of a tool a permission rule certainly means; whatever is not certain is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.permission import Rules, Way, answered, grant, kind_of, way
from ccmux.core.rules import covers
from ccmux.model.approval import Asked

WORK, HOME = "/home/a/p", "/home/a"


def sure(rule: str, tool: str, **given: Any) -> bool:
    return covers([rule], tool, given, work=WORK, home=HOME)


GIT = "Bash(git status:*)"


@pytest.mark.parametrize(
    "command",
    [
        "git status",
        "git status --short",
        "  git status -s  ",
        "git status && git status -s",
        "git status | git status",
        "git status; git status -b 2>&1",
        "git status 2>/dev/null",
        "git status 'a b' \"c d\"",
        "git status a*b",
    ],
)
def test_commands_that_a_prefix_covers(command: str) -> None:
    assert sure(GIT, "Bash", command=command)
    assert sure("Bash(git status *)", "Bash", command=command)
    assert sure("Bash", "Bash", command=command)
    assert sure("Bash(*)", "Bash", command=command)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "git",
        "git statusx",
        "git stat us",
        "git status && rm -rf x",
        "git status; rm x",
        "git status | sh",
        "git status & rm x",
        "git status &",
        "git status\nrm x",
        "git status $(rm x)",
        "git status `rm x`",
        "git status > ~/.bashrc",
        "git status >x",
        "git status < x",
        "git status {a,b}",
        "git status \\\nrm",
        "git status ${x}",
        "git status 'a",
        "X=1 git status",
        "git status # x",
        "git status !x",
        "&& git status",
        "git status ||",
        "git status 2>/dev/nullx",
        "(git status)",
        "git status\n>/dev/null touch X",
        "git status\n2>&1 touch X",
        "git status\r>/dev/null touch X",
        "git status | git status\n1>/dev/null touch X",
        'git status a"b "; touch X; "c" d',
        "git status --format='%h '; touch X; 'x'",
        "git status 'a'b",
        "git status 2>&1\n",
    ][:-1],
)
def test_commands_that_a_prefix_does_not_surely_cover(command: str) -> None:
    assert not sure(GIT, "Bash", command=command)


def test_every_part_needs_a_rule_and_may_have_another() -> None:
    rules = [GIT, "Bash(wc:*)", "Bash(make test)"]
    assert covers(rules, "Bash", {"command": "git status | wc -l && make test"}, work=WORK, home=HOME)
    assert not covers(rules, "Bash", {"command": "git status | wc -l && make tests"}, work=WORK, home=HOME)
    assert not covers(rules, "Bash", {"command": "make test x"}, work=WORK, home=HOME)


@pytest.mark.parametrize(
    ("rule", "tool", "given", "covered"),
    [
        ("Edit", "Edit", {"file_path": "/x"}, True),
        ("Edit", "Write", {"file_path": "/x"}, True),
        ("Edit", "NotebookEdit", {"notebook_path": "/x"}, True),
        ("Write", "Edit", {"file_path": "/x"}, False),
        ("Edit(src/**)", "Edit", {"file_path": f"{WORK}/src/a.py"}, True),
        ("Edit(./src/**)", "Write", {"file_path": "src/a.py"}, True),
        ("Edit(src/**)", "Edit", {"file_path": f"{WORK}/srcs/a.py"}, False),
        ("Edit(src/**)", "Edit", {"file_path": f"{WORK}/src/../x"}, False),
        ("Edit(src/*.py)", "Edit", {"file_path": f"{WORK}/src/a.py"}, False),
        ("Edit(//etc/x)", "Edit", {"file_path": "/etc/x"}, True),
        ("Edit(//etc/x)", "Edit", {"file_path": "/etc/xy"}, False),
        ("Read(~/.ssh/**)", "Read", {"file_path": f"{HOME}/.ssh/id"}, True),
        ("Read(~/.ssh/**)", "Read", {"file_path": "~/.ssh/id"}, True),
        ("Edit(src/**)", "Edit", {}, False),
        ("WebFetch(domain:a.org)", "WebFetch", {"url": "https://a.org/x"}, True),
        ("WebFetch(domain:a.org)", "WebFetch", {"url": "https://a.org.evil.net/x"}, False),
        ("WebFetch(domain:a.org)", "WebFetch", {"url": "https://a.org@evil.net/x"}, False),
        ("WebFetch(domain:a.org)", "WebFetch", {"url": "https://evil.net/a.org"}, False),
        ("mcp__git", "mcp__git__push", {}, True),
        ("mcp__git__*", "mcp__git__push", {}, True),
        ("mcp__git__push", "mcp__git__push", {}, True),
        ("mcp__git", "mcp__github__push", {}, False),
        ("mcp__git__pull", "mcp__git__push", {}, False),
        ("Bash(", "Bash", {"command": "x"}, False),
        ("", "Edit", {}, False),
        ("*", "Edit", {}, False),
    ],
)
def test_a_table_of_rules(rule: str, tool: str, given: dict[str, Any], covered: bool) -> None:
    assert sure(rule, tool, **given) is covered


@given(st.text(max_size=40), st.sampled_from(["$(", "`", ">", "<", "\n", "{", "\\", "&"]))
def test_nothing_that_a_shell_may_make_anything_of_is_covered(text: str, evil: str) -> None:
    assert not sure(GIT, "Bash", command=f"git status {text}{evil}{text} 'x'")


def asked(tool: str, **given: Any) -> Asked:
    return Asked(kind_of(tool), tool, given, WORK, "p", "k", "s")


RULES = Rules((GIT, "Edit(src/**)"), ("Bash(rm:*)",), HOME)
RUN = asked("Bash", command="make")
PLAN, QUESTION = asked("ExitPlanMode", plan="x"), asked("AskUserQuestion", questions=[])


@pytest.mark.parametrize(
    ("one", "terminal", "requested", "granted", "expected"),
    [
        (RUN, False, False, frozenset(), Way.ASK),
        (RUN, True, False, frozenset(), Way.CLAUDE),
        (RUN, True, True, frozenset(), Way.CLAUDE),
        (RUN, False, True, frozenset(), Way.ASK),
        (RUN, False, False, frozenset({grant(RUN)}), Way.ALLOW),
        (RUN, False, True, frozenset({grant(RUN)}), Way.ASK),
        (RUN, False, False, frozenset({grant(asked("Bash", command="make x")), "Bash"}), Way.ASK),
        (asked("Bash", command="git status"), False, False, frozenset(), Way.CLAUDE),
        (asked("Bash", command="rm x"), False, False, frozenset(), Way.CLAUDE),
        (asked("Bash", command="git status"), False, True, frozenset(), Way.ASK),
        (asked("Read", file_path="/x"), False, False, frozenset(), Way.CLAUDE),
        (asked("Read", file_path="/x"), False, True, frozenset(), Way.ASK),
        (asked("mcp__x__y"), False, False, frozenset(), Way.ASK),
        (asked("Write", file_path="/etc/x"), False, False, frozenset(), Way.ASK),
        (asked("Write", file_path="/etc/x"), False, False, frozenset({"Write"}), Way.ASK),
        (asked("Write", file_path="/etc/x"), False, True, frozenset(), Way.DENY),
        (replace(asked("Write", file_path="/etc/x"), mode="plan"), False, True, frozenset(), Way.ASK),
        (asked("Write", file_path="/etc/x"), True, True, frozenset(), Way.CLAUDE),
        (PLAN, False, False, frozenset({grant(PLAN)}), Way.ASK),
        (PLAN, True, False, frozenset(), Way.CLAUDE),
        (QUESTION, False, False, frozenset(), Way.ASK),
        (QUESTION, True, False, frozenset(), Way.CLAUDE),
    ],
)
def test_who_decides(one: Asked, terminal: bool, requested: bool, granted: frozenset[str], expected: Way) -> None:
    assert way(one, terminal=terminal, requested=requested, rules=RULES, granted=granted) is expected


def test_a_session_grant_is_for_that_very_use() -> None:
    assert grant(RUN) == grant(asked("Bash", command="make", description="other words"))
    others = [
        asked("Bash", command="make x"),
        replace(RUN, cwd="/elsewhere"),
        asked("Bash", command="make", dangerouslyDisableSandbox=True),
        asked("Write", command="make"),
    ]
    assert grant(RUN) not in {grant(one) for one in others}


def test_answers_are_numbers_of_options_or_text() -> None:
    options = [{"label": "Red"}, {"label": "Blue"}]
    given = {"questions": [{"question": "Which?", "options": options}, {"question": "Why?", "options": []}]}
    assert answered(given, ("2", "so"))["answers"] == {"Which?": "Blue", "Why?": "so"}
    assert answered(given, ("1, 2", "3"))["answers"] == {"Which?": "Red, Blue", "Why?": "3"}
    assert answered(given, ("9", "x"))["answers"]["Which?"] == "9"
