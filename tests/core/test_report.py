"""What crosses from a project to its assistant, whatever is thrown at the gate."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccmux.core.report import BYTES, LINE, MOST, NAME, Gated, Unfit, deliverable, gate, line
from ccmux.model.report import Report, ReportStatus, ReportType, as_object

EXAMPLE: dict[str, Any] = {
    "project": "ipo-analysis",
    "ts": "2026-03-01T14:30:00+08:00",
    "type": "status_update",
    "status": "active",
    "current_task": "Analyzing March IPO pipeline",
    "progress": "3/7 companies analyzed",
    "session_tokens_today": 12500000,
    "session_cost_today": 8.50,
    "active_minutes_today": 45,
    "last_interaction": "2026-03-01T14:25:00+08:00",
    "alerts": [],
    "deliverables": ["output/march_ipo_report.md"],
}
# ruff: noqa: RUF001 - characters that look like others are what the gate is for
SCRAPS = [
    "/etc/passwd", "/home/anna/x.py", "~/secret", "../up", "..", "C:\\Users\\x", "\\\\host\\share", "https://a.b/c", "file:///x",
    "www.a.b", "anna@example.org", "`code`", "```", "{", "}", "foo();", "x = 1;", "a => b", "$(id)", "<b>", "<!channel>", "[red]",
    "[/red]", "sk-ant-api03-abcdef", "xoxb-123-456", "AKIAIOSFODNN7EXAMPLE", "Bearer abc", "-----BEGIN RSA PRIVATE KEY-----",
    "ghp_abcdefghij0123456789", "password: hunter2", "0123456789abcdef0123456789", "\x1b[31m", "\u202e", "\u200b",
    "\n", "\t", "：", "／",
    "＠", "．", " ", "a", "3/7", "done", "…", "...", ";", "é", "漢",
]  # fmt: skip
FORBIDDEN = re.compile(
    r"[`{}<>\[\]|\\\n\r\t]|\.\.|\w@\w|://"
    r"|(?:^|\s)[/~]\w|sk-ant|xox[a-z]-\d|AKIA[A-Z0-9]{8}|(?i:bearer \S)|-----BEGIN|ghp_\w|\(\);"
)
words = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join))
words |= st.lists(st.sampled_from(SCRAPS), max_size=12).map(" ".join)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
reports = st.fixed_dictionaries(
    {
        "ts": st.sampled_from([EXAMPLE["ts"], "2026-03-01T00:00:00.5Z"]),
        "type": st.sampled_from([*ReportType]).map(str),
        "status": st.sampled_from([*ReportStatus]).map(str),
    },
    optional={
        "project": words,
        "current_task": words,
        "progress": words,
        "session_tokens_today": st.integers(0, 10**15),
        "session_cost_today": st.floats(0, 10**6) | st.integers(0, 10**6),
        "active_minutes_today": st.integers(0, 1500),
        "last_interaction": st.sampled_from(["", EXAMPLE["ts"]]),
        "alerts": st.lists(words, max_size=30),
        "deliverables": st.lists(words, max_size=30),
        "cut": st.integers(0, 999),
        "secret": anything,
    },
)


def test_the_example_passes_unchanged() -> None:
    passed = gate(json.loads(json.dumps(EXAMPLE)), project="ipo-analysis")
    assert isinstance(passed, Gated)
    assert as_object(passed.report) == EXAMPLE
    assert passed.cut == {}


@settings(max_examples=600, deadline=None)
@given(reports)
def test_only_the_schema_crosses_and_crossing_again_changes_nothing(value: dict[str, Any]) -> None:
    passed = gate(value, project="p")
    assert isinstance(passed, Gated)
    harmless(passed.report)
    again = gate(as_object(passed.report), project="p")
    assert isinstance(again, Gated)
    assert again.report == passed.report
    assert again.cut == {}


@settings(max_examples=400, deadline=None)
@given(
    anything
    | st.builds(lambda known, more: {**known, **more}, reports, st.dictionaries(st.sampled_from([*EXAMPLE]), anything))
)
def test_whatever_it_is_it_is_refused_with_a_sentence_or_harmless(value: Any) -> None:
    passed = gate(value, project="p")
    if isinstance(passed, Unfit):
        assert passed.why
    else:
        harmless(passed.report)


def harmless(report: Report) -> None:
    assert report.project == "p"
    assert len(json.dumps(as_object(report), ensure_ascii=False, separators=(",", ":")).encode()) <= BYTES
    assert len(report.alerts) <= MOST
    assert len(report.deliverables) <= MOST
    for text in (report.current_task, report.progress, *report.alerts):
        assert len(text) <= LINE
        assert not FORBIDDEN.search(text), text
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in text)
    for name in report.deliverables:
        assert len(name) <= NAME
        assert not FORBIDDEN.search(name), name
        assert not name.startswith(("/", "~", "-", "."))
        assert "/." not in name


@settings(max_examples=600, deadline=None)
@given(words)
@example("a " * 70 + "; b")
def test_a_line_that_was_cut_needs_no_second_cut(text: str) -> None:
    once, _ = line(text)
    assert line(once) == (once, 0)


@pytest.mark.parametrize(
    "text",
    [
        "3/7 companies analyzed",
        '50% done, 3 of 7 (CI/CD) - it\'s fine: "ok"',
        "tests: 12/12 pass; waiting for a decision",
        "Überprüfung läuft … Straßenbahnhaltestellenverzeichnis",
        "第三季度报告 70% 完成",
        "三个完成;等待决定",
        "第三季度首次公开募股分析报告已经完成百分之70剩余部分需要负责人决定是否继续/停止",
        "budget: 80,000 of 100,000 tokens are used",
        "basic checks of the 2026-03-01 build",
    ],
)
def test_plain_words_cross(text: str) -> None:
    assert line(text) == (text, 0)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("fixed /etc/passwd today", "fixed today"),
        ("see https://x.y/z?k=v now", "see now"),
        ("mail anna@example.org now", "mail now"),
        ("run `rm -rf x` now", "run now"),
        ("key sk-ant-api03-abc x", "key x"),
        ("the token: abc is", "the is"),
        ("read ~/notes and ../up", "read and"),
        ("看https://a.b/c 完成", "看 完成"),
        ("密钥sk-ab12cd34ef 在文件/etc/x 里", "密钥 里"),
        ("foo(){return 1;}", ""),
        ("[red]x[/red]", "red x"),
        ("in /srv/data/a.py\nand more", "in and more"),
    ],
)
def test_what_must_not_cross_is_cut_and_counted(text: str, left: str) -> None:
    found, cut = line(text)
    assert found == left
    assert cut > 0


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../x",
        "a/../b",
        "~/x",
        "-rf",
        ".env",
        "a/.git/config",
        "sk-ant-api03-abc",
        "a//b",
        "a\nb",
        "x" * 121,
        "",
    ],
)
def test_names_that_lead_out_of_the_project_are_no_deliverables(name: str) -> None:
    assert deliverable(name) == ""


@pytest.mark.parametrize(
    "name", ["output/march_ipo_report.md", "Bericht März (2).pdf", "dist/ccmux-1.0-py3-none-any.whl"]
)
def test_names_within_the_project_are(name: str) -> None:
    assert deliverable(name) == name


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("ts", "yesterday"), ("ts", "2026-03-01T14:30:00"), ("type", "gossip"), ("status", 3), ("current_task", ["x"]),
     ("session_tokens_today", -1), ("session_tokens_today", True), ("session_tokens_today", 1.5),
     ("session_cost_today", float("nan")),
     ("session_cost_today", "8"), ("active_minutes_today", 10**6), ("alerts", "x"), ("alerts", [1]), ("last_interaction", "now")],
)  # fmt: skip
def test_a_wrong_type_is_refused_by_its_name(key: str, wrong: object) -> None:
    found = gate(EXAMPLE | {key: wrong}, project="p")
    assert isinstance(found, Unfit)
    assert f"`{key}`" in found.why
