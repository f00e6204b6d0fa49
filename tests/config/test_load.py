from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.config.load import keys, load, nearest, parse
from ccmux.errors import ConfigError
from ccmux.model.instance import InstanceSpec

SCHEDULE = "[schedule.a]\nat = '08:00'\ntext = 'x'\n"


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("version = ", 1, "", "not TOML"),
        ("version = 1\n= 3\n", 2, "", "not TOML"),
        ("version = 1\nversion = 1\n", 2, "", "not TOML"),
        ("[delivery]\n\n[delivery]\n", 3, "", "not TOML"),
        ("\ufeffversion = 1\n", 1, "", "not TOML"),
        ("a = \0\n", 1, "", "not TOML"),
        ("dir = 'x", 1, "", "not TOML"),
        ("version = 2", 1, "version", "<= 1"),
        ("\nrole = 'boss'\n", 2, "role", "boss"),
        ("dir = 3\n", 1, "dir", "str"),
        ("dir = 2020-01-01\n", 1, "dir", "str"),
        ("claude = 3\n", 1, "claude", "object"),
        ("[[claude]]\nmodel = 'x'\n", 1, "claude", "object"),
        ("# c\n[delivery]\nmax_attempts = 0 # c\n", 3, "delivery.max_attempts", ">= 1"),
        ("[delivery]\r\nmax_attempts = 0\r\n", 2, "delivery.max_attempts", ">= 1"),
        ("delivery.max_attempts = 0\n", 1, "delivery.max_attempts", ">= 1"),
        ("[ delivery ]\nmax_attempts = 'x'\n", 2, "delivery.max_attempts", "int"),
        ("[delivery]\ntyping_pause = nan\n", 2, "delivery.typing_pause", ">= 0"),
        ("[delivery]\ntyping_pause = inf\n", 2, "delivery.typing_pause", "<="),
        ("[claude]\nlogin = 'x'\n", 2, "claude.login", "auto"),
        ("[claude]\nallow = ['a', 3]\n", 2, "claude.allow", "str"),
        ("[claude]\npermission_mode = 'yolo'\n", 2, "claude.permission_mode", "yolo"),
        ("[claude]\nmodle = 'x'\n", 2, "claude.modle", "did you mean claude.model?"),
        ("max_attempt = 1\n", 1, "max_attempt", "did you mean delivery.max_attempts?"),
        ("[claude]\nzzzzzz = 1\n", 2, "claude.zzzzzz", "no such key"),
        ("\n[deliverx]\na = 1\n", 2, "deliverx", "no such key"),
        ("[schedule.a]\nat = '8:00'\n", 2, "schedule.a.at", "regex"),
        (f"{SCHEDULE}[schedule.b]\nat = '08:00'\ntxet = 'x'\n", 6, "schedule.b.txet", "did you mean schedule.b.text?"),
        (f"{SCHEDULE}[schedule.b]\ndays = ['moon']\n", 5, "schedule.b.days", "moon"),
        (f"{SCHEDULE}[schedule.b]\ntext = 'x'\n", 4, "schedule.b", "say when"),
        ("[schedule.b]\nat = '08:00'\ncron = '0 8 * * *'\ntext = 'x'\n", 1, "schedule.b", "say when"),
        ("[schedule.b]\nat = '08:00'\n", 1, "schedule.b", "say what"),
        ("[schedule.b]\nat = '08:00'\ntext = 'x'\nbriefing = 'morning'\n", 1, "schedule.b", "say what"),
        ("[schedule.b]\nat = '08:00'\nbriefing = 'noon'\n", 3, "schedule.b.briefing", "morning"),
        ("[schedule.b]\ncron = '0 8 * *'\ntext = 'x'\n", 1, "schedule.b", "five fields"),
        ("[schedule.b]\ncron = '0 8 * * * *'\ntext = 'x'\n", 1, "schedule.b", "five fields"),
        ("[schedule.b]\ncron = '60 8 * * *'\ntext = 'x'\n", 1, "schedule.b", "Bad minute"),
        ("[schedule.b]\ncron = '0 8 30 2 *'\ntext = 'x'\n", 1, "schedule.b", "Bad day-of-month"),
        ("[schedule.b]\nat = '08:00'\ntext = 'x'\ntimezone = 'Mars/X'\n", 1, "schedule.b", "Mars/X"),
        ("[schedule.b]\nat = '08:00'\ntext = 'x'\nto = '../x'\n", 4, "schedule.b.to", "regex"),
        ('[schedule.b]\nat = "08:00"\ntext = "x"\nto = "x\\n"\n', 4, "schedule.b.to", "regex"),
        ("[schedule.b]\nat = '08:00'\ntext = 'x'\ngrace = 1\n", 4, "schedule.b.grace", ">= 60"),
        ("[schedule.b]\nat = '08:00'\ntext = 'x'\nexpires = 10\n", 1, "schedule.b", "at least grace"),
        (f"{SCHEDULE}[schedule.'B b']\nat = '08:00'\n", 4, "schedule.B b", "cannot be a name"),
        ("[schedule]\nat = '08:00'\n", 2, "schedule.at", "object"),
        ("schedule = 3\n", 1, "schedule", "object"),
        ("schedule.b = {at = '08:00', txt = 'x'}\n", 1, "schedule.b.txt", "did you mean schedule.b.text?"),
        ("[briefing]\ncondens = true\n", 2, "briefing.condens", "did you mean briefing.condense?"),
    ],
)
def test_broken_files(text: str, line: int, key: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "F.toml")
    assert (caught.value.file, caught.value.line, caught.value.key) == ("F.toml", line, key)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"F.toml:{line}: ")
    assert caught.value.fix


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n", "version = 1\n", "[claude]\n"])
def test_nothing_means_the_defaults(text: str) -> None:
    assert parse(text, "F") == InstanceSpec()


def test_files(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("dir = '/é'\n", encoding="utf-8")
    assert load(good).dir == "/é"
    bad.write_bytes(b"version = 1\n# \xff\n")
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        load(bad)
    assert caught.value.line == 2
    for path in (tmp_path, tmp_path / "none.toml", good / "x"):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert caught.value.file == str(path)


def test_every_key_is_its_own_nearest() -> None:
    assert "delivery.max_attempts" in keys()
    assert [nearest(key) for key in keys()] == keys()


@given(
    st.one_of(
        st.text(),
        st.lists(st.sampled_from(["[", "]", "a", ".", "=", "\n", "'", '"', "{", "}", "1", "claude"])).map("".join),
    )
)
def test_no_short_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse(text, "F")


def test_huge_nesting() -> None:
    with pytest.raises(ConfigError):
        parse("a = " + "[" * 100_000, "F")


def test_huge_number() -> None:
    with pytest.raises(ConfigError):
        parse("version = " + "9" * 5000, "F")


def test_line_in_an_inline_table() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("claude = {modl = 'x'}", "F")
    assert caught.value.line == 1


def test_line_after_a_string_with_a_header_in_it() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("dir = '''\n[delivery]\n'''\nversion = 2\n", "F")
    assert caught.value.line == 4
