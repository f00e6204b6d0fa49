from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.config.dump import EFFECT, effect, show, value_of, with_values
from ccmux.config.load import NAME, keys, parse
from ccmux.errors import ConfigError, UsageError
from ccmux.model.instance import InstanceSpec

TEXT = "# mine\nversion = 1\n\n[claude] # here\nmodel = 'a' # why\n\n[delivery]\nmax_attempts=3 # few\n"


@pytest.mark.parametrize(
    ("changes", "now"),
    [
        ({"claude.model": "b"}, {"claude": {"model": "b"}}),
        ({"dir": "/x"}, {"dir": "/x"}),
        ({"restart.limit": 9}, {"restart": {"limit": 9}}),
        ({"claude.allow": ["Bash(ls)", "Read"], "delivery.max_attempts": 7}, {}),
    ],
)
def test_comments_stay_and_twice_is_once(changes: dict[str, Any], now: dict[str, Any]) -> None:
    once = with_values(TEXT, "F", changes)
    assert [c for c in ("# mine", "# here", "# why", "# few") if c not in once] == []
    assert with_values(once, "F", changes) == once
    spec = parse(once, "F")
    for section, value in now.items():
        for key, wanted in value.items() if isinstance(value, dict) else [("", value)]:
            assert (getattr(getattr(spec, section), key) if key else getattr(spec, section)) == wanted


@pytest.mark.parametrize(
    "changes",
    [{"delivery.max_attempts": 0}, {"claude.modle": "x"}, {"dir": 3}, {"version.x": 1}, {"claude": 1}, {"nope.x": 1}],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        with_values(TEXT, "F", changes)


def test_a_broken_file_is_not_changed() -> None:
    with pytest.raises(ConfigError):
        with_values("version = ", "F", {"dir": "x"})


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_comes_back(word: str) -> None:
    assert parse(with_values(TEXT, "F", {"dir": word}), "F").dir == word


def test_show_has_every_default_and_is_a_file() -> None:
    text = show(InstanceSpec())
    assert parse(text, "F") == InstanceSpec()
    assert all(key.rpartition(".")[2] in text for key in keys() if f".{NAME}." not in key)


@pytest.mark.parametrize(
    "word",
    ["5", "1.0", "1e3", "true", "007", "0x10", "+1", "1_000", "inf", "2020-01-01", "[1]", "{a=1}", "", "/a # b", "a b"],
)
def test_what_looks_like_a_number_stays_the_word_where_text_is_wanted(word: str) -> None:
    assert value_of("claude.model", word) == word


@pytest.mark.parametrize(
    ("key", "word", "value"),
    [
        ("claude.model", '"5"', "5"),
        ("delivery.max_attempts", "7", 7),
        ("delivery.max_attempts", "five", "five"),
        ("delivery.typing_pause", "1.5", 1.5),
        ("claude.allow", '["a"]', ["a"]),
    ],
)
def test_values(key: str, word: str, value: object) -> None:
    assert value_of(key, word) == value


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(UsageError, match=r"did you mean claude\.model"):
        value_of("claude.modle", "x")


def test_a_key_of_a_table_with_a_name() -> None:
    text = "[schedule.noon]\nat = '12:00'  # lunch\ntext = 'x'\n"
    changed = with_values(text, "F", {"schedule.noon.at": value_of("schedule.noon.at", "12:30")})
    assert parse(changed, "F").schedule["noon"].at == "12:30"
    assert "# lunch" in changed
    assert parse(show(parse(changed, "F")), "F") == parse(changed, "F")
    with pytest.raises(UsageError, match=r"did you mean schedule\.noon\.text"):
        value_of("schedule.noon.texd", "x")


def test_every_key_has_an_effect() -> None:
    assert {key.partition(".")[0] for key in keys()} == set(EFFECT)
    assert "restart alpha" in effect("delivery.max_attempts", "alpha")
