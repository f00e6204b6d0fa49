from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.screen import Box, read_box

RULE = "─" * 40


@pytest.mark.parametrize(
    ("screen", "box"),
    [
        ("", Box(present=False)),
        ("❯ 1. Yes", Box(present=False)),
        (f"{RULE}\n❯\u00a0\n{RULE}", Box(present=True)),
        (f"{RULE}\n❯ hello\n{RULE}\n  ? for shortcuts", Box(present=True, text="hello")),
        (f"{RULE}\n❯ a\n  b\n{RULE}", Box(present=True, text="a\nb")),
        (f"{RULE}\n! ls\n{RULE}", Box(present=True, text="!ls")),
        (f"{RULE}\n❯ \x1b[2mTry this\x1b[0m\n{RULE}", Box(present=True)),
        (f"{RULE}\n❯ \x1b[38;5;2mgreen\x1b[39m\n{RULE}", Box(present=True, text="green")),
        (f"{RULE}\n❯ \x1b[38;2;2;2;2mrgb\x1b[0m\n{RULE}", Box(present=True, text="rgb")),
        (f"{RULE}\n❯ old\n{RULE}\ntext\n{RULE}\n❯ new\n{RULE}", Box(present=True, text="new")),
        (f"{RULE}\nno box\n{RULE}", Box(present=False)),
    ],
)
def test_boxes(screen: str, box: Box) -> None:
    assert read_box(screen) == box
    assert read_box(screen).empty == (box.present and not box.text)


@given(
    st.lists(st.sampled_from([RULE, "\n", "❯", "\x1b[2m", "\x1b[0m", "\x1b[38;", "\x1b]", "x", " ", "5m"])).map("".join)
)
def test_no_screen_raises(screen: str) -> None:
    assert isinstance(read_box(screen), Box)


BOXED = f"text\n{RULE}\n❯ hello\n{RULE}\n  footer · draft stashed"


def test_the_cursor_tells_whether_keys_go_to_the_box() -> None:
    assert read_box(BOXED, 2).focused
    assert not read_box(BOXED, 4).focused
    assert read_box(BOXED).focused


def test_a_draft_that_is_set_aside_is_told_below_the_box() -> None:
    assert read_box(BOXED).stashed
    assert not read_box(f"draft stashed\n{RULE}\n❯ stashed\n{RULE}").stashed


def test_a_box_taller_than_the_screen_has_only_continued_lines_above_its_rule() -> None:
    lines = "  line 6\n  line 7\n\n  line 8 [end-abcdefg2]"
    tall = f"{lines}\n{RULE}\n  footer · stashed"
    assert read_box(tall, 1) == Box(present=True, text="line 6\nline 7\n\nline 8 [end-abcdefg2]", stashed=True)
    assert read_box(f"{RULE}\n{tall}", 2).text.startswith("line 6")
    assert not read_box(f"● said\n{tall}", 1).present
    assert not read_box(f"  a\n{RULE}\n{tall}", 4).present
    assert not read_box(tall, 5).focused


def test_a_box_whose_upper_rule_alone_is_off_the_screen_begins_with_its_mark() -> None:
    assert read_box(f"❯\u00a0one\n  two\n  three\n  four\n{RULE}", 1).text == "one\ntwo\nthree\nfour"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("\x1b[7mO\x1b[0m\x1b[2mnce fixed, resend your message\x1b[0m", ""),
        ("\x1b[7mO\x1b[27m\x1b[2mnce fixed\x1b[22m", ""),
        ("/mo\x1b[7md\x1b[0;2mel\x1b[0m", "/mo"),
        ("ab\x1b[7mc\x1b[0mde", "abcde"),
        ("abc\x1b[7m \x1b[0m", "abc"),
    ],
)
def test_the_cursor_on_a_placeholder_is_no_text(inside: str, text: str) -> None:
    assert read_box(f"{RULE}\n❯\u00a0{inside}\n{RULE}").text == text
