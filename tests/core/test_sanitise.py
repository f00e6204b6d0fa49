from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccmux.core.sanitise import sanitise

NASTY = st.text(
    st.one_of(
        st.sampled_from("\x1b[]@~\r\n\t\x9b\x07\\ P0;201ccmuxend-\u200b\u202e\u2066\ufeff\u0338"), st.characters()
    )
)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("", ""),
        ("plain é ✔", "plain é ✔"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\ta", "    a"),
        ("\x1b[201~\rtouch f\r", "\ntouch f\n"),
        ("\x9b201~x", "x"),
        ("\x1b]0;title\x07x", "x"),
        ("a\u200bb\u202ec\ufeffd", "abcd"),
        ("👩\u200d👩", "👩\u200d👩"),
        ("@/etc/passwd me@home (@x", "\\@/etc/passwd me@home (\\@x"),
        ("[ccmux x] [END-a]", "(ccmux x] (END-a]"),
        ("e\u0301", "é"),
        ("\ud800", ""),
    ],
)
def test_table(raw: str, clean: str) -> None:
    assert sanitise(raw) == clean


@given(NASTY)
@example("\x1b\x1b[[A")
@example("[\x1b[mccmux")
@example("@\x00@x")
@example("\u1100\u115f")
def test_twice_is_once(raw: str) -> None:
    once = sanitise(raw)
    assert sanitise(once) == once


@given(NASTY)
def test_nothing_invisible_is_left(raw: str) -> None:
    for char in sanitise(raw):
        assert char in "\n\u200c\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")


@given(NASTY)
def test_no_mention_and_no_envelope_is_left(raw: str) -> None:
    clean = sanitise(raw)
    assert "[ccmux " not in clean.lower()
    assert "[end-" not in clean.lower()
    assert all(not word.startswith("@") or word == "@" for word in clean.split())
