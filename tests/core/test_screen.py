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
