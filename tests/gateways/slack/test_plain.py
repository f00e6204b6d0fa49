"""What comes from Slack: as its writer saw it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccmux.gateways.slack.format.clean import escape
from ccmux.gateways.slack.format.names import safe_name
from ccmux.gateways.slack.format.plain import plain
from tests.gateways.slack.test_parts import BAIT


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<@U0BOT> run it", "run it"),
        (" <@U0BOT|ccmux>: <@U0BOT>, run it", "run it"),
        ("ask <@U0BOT> too", "ask @U0BOT too"),
        ("<@U1> and <@U2|bob> and <@U3>", "@Anna Li and @bob and @U3"),
        ("<#C1|general> <#C2>", "#general #C2"),
        ("<https://x.org/a?b=1&amp;c=2|the docs>", "the docs (https://x.org/a?b=1&c=2)"),
        ("<https://x.org> <http://x.org|x.org>", "https://x.org http://x.org"),
        ("<mailto:a@x.org|a@x.org>", "a@x.org"),
        ("<!here> <!subteam^S1|@ops> <!subteam^S1> <!date^1^{date}|then>", "@here @ops @subteam then"),
        ("a &lt; b &amp;&amp; c &gt; d &amp;lt;", "a < b && c > d &lt;"),
        ("&lt;@U1&gt;", "<@U1>"),
        ("a\r\nb\u202e\x1b[1mc", "a\nbc"),
        ("", ""),
    ],
)
def test_table(raw: str, shown: str) -> None:
    assert plain(raw, {"U1": "Anna\nLi"}, "U0BOT") == shown


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_what_slack_escaped_comes_back(text: str) -> None:
    assert plain(escape(text), {}, "U0BOT") == text


@given(BAIT)
def test_anything_can_come(text: str) -> None:
    plain(text, {"U1": text}, "U0BOT")


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Rechnung März 2026.PDF", "Rechnung-Marz-2026.PDF"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\report.tar.gz", "report.tar.gz"),
        (".bashrc", "file.bashrc"),
        ("-rf.txt", "rf.txt"),
        ("日本語.png", "file.png"),
        ("", "file"),
        ("...", "file"),
        ("a..b...c", "a.b.c"),
        ("x" * 200 + ".jpeg", "x" * 75 + ".jpeg"),
        ("a.exe\u202egnp.", "a.exegnp"),
        ("a b\n.sh;rm", "a-b.sh-rm"),
    ],
)
def test_names(name: str, ours: str) -> None:
    assert safe_name(name) == ours


@given(st.text())
@example("." + "a" * 10)
@example("a" * 79 + ".-")
def test_a_name_is_ours(name: str) -> None:
    ours = safe_name(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,79}", ours)
    assert ".." not in ours
    assert safe_name(ours) == ours
