"""The `.env`, and what is made of it: one way to log in, and a word about what is not used."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.claude import envfile, settings
from ccmux.claude.login import CREDENTIALS, Kind, decide
from ccmux.errors import ConfigError
from ccmux.model.instance import InstanceSpec
from ccmux.paths import InstancePaths

NAMES = (envfile.API_KEY, envfile.AUTH_TOKEN, envfile.OAUTH_TOKEN)
PLAIN = st.text(
    st.characters(min_codepoint=33, exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"], exclude_characters="\"'")
)


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True), PLAIN, max_size=8))
def test_plain_values_come_back(values: dict[str, str]) -> None:
    assert parsed(envfile.render(values)) == values


def parsed(text: str) -> dict[str, str]:
    fd = os.memfd_create("env")
    try:
        os.write(fd, text.encode())
        return envfile.load(Path(f"/proc/self/fd/{fd}"))
    finally:
        os.close(fd)


@pytest.mark.parametrize("value", ["a b", "a=b", "#x", "a#b", "$HOME `id` \\", "'a", "é👩‍👩‍👧", ""])
def test_odd_values_come_back(value: str) -> None:
    assert parsed(envfile.render({"K": value})) == {"K": value}


@pytest.mark.parametrize("value", [" a", "a ", "'a'", '"a"', "a\rb", "a\x0bb", "a\x85b", "a\u2028b"])
def test_what_new_takes_over_comes_back(value: str) -> None:
    taken = envfile.taken({"HTTPS_PROXY": value})
    assert parsed(envfile.render(taken)) == taken


def test_what_is_taken_over() -> None:
    environment = {"ANTHROPIC_API_KEY": "k", "HTTPS_PROXY": "", "NO_PROXY": "a\nB=c", "SLACK_TOKEN": "s", "HOME": "/h"}
    assert envfile.taken(environment) == {"ANTHROPIC_API_KEY": "k"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("\n  \n# c\n #c=d\n", {}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("export A=1", {"A": "1"}),
        (" A = 1 ", {"A": "1"}),
        ("A='x y'\r\nB=\"z\"\r\n", {"A": "x y", "B": "z"}),
        ('A="', {"A": '"'}),
        ("A=''", {"A": ""}),
        ("A=b=c", {"A": "b=c"}),
    ],
)
def test_forms(text: str, values: dict[str, str]) -> None:
    assert parsed(text) == values


@pytest.mark.parametrize("line", ["novalue", "=x", "A B=1", "1A=x", "A-B=x", "export", "é=1", "a;b=1", "$(id)=1"])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"A=secret\n\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        envfile.load(file)
    assert f"{file}:3" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_no_file_is_nothing(tmp_path: Path) -> None:
    assert envfile.load(tmp_path / "none") == {}


def test_a_file_that_is_not_utf8_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"NAME=M\xfcller\n")
    with pytest.raises(ConfigError):
        envfile.load(tmp_path / ".env")


# the table of logins


@pytest.mark.parametrize("setting", ["auto", "shared", "own"])
@pytest.mark.parametrize("held", [c for n in range(4) for c in itertools.combinations(NAMES, n)], ids="+".join)
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("person", ["none", "home", "dir"])
def test_every_combination(tmp_path: Path, setting: str, held: tuple[str, ...], own: bool, person: str) -> None:
    config, home = tmp_path / "config", tmp_path / "home"
    config.mkdir()
    directory = tmp_path / "person" if person == "dir" else home / ".claude"
    directory.mkdir(parents=True)
    environment = {"HOME": str(home)} | ({"CLAUDE_CONFIG_DIR": str(directory)} if person == "dir" else {})
    if own:
        (config / CREDENTIALS).touch()
    if person != "none":
        (directory / CREDENTIALS).touch()
    login = decide({name: f"secret-{name}" for name in held}, config, setting, environment)

    auth, key, oauth = envfile.AUTH_TOKEN in held, envfile.API_KEY in held, envfile.OAUTH_TOKEN in held
    if setting == "own":
        expected, secret = (Kind.OWN if own else Kind.NONE), ""
    elif setting == "shared":
        expected, secret = Kind.SHARED, ""
    elif auth or key:
        expected, secret = Kind.HELPER, envfile.AUTH_TOKEN if auth else envfile.API_KEY
    elif oauth:
        expected, secret = Kind.TOKEN, envfile.OAUTH_TOKEN
    elif own:
        expected, secret = Kind.OWN, ""
    else:
        expected, secret = (Kind.SHARED if person != "none" else Kind.NONE), ""
    assert (login.kind, login.secret) == (expected, secret)
    assert (login.shared_from is not None) == (expected is Kind.SHARED)
    if login.shared_from is not None:
        assert login.shared_from == (str(directory) if person == "dir" else "")
    assert "secret-" not in repr(login)
    if setting == "auto":
        unused = [name for name in held if name != secret] + (["own login"] if own and secret else [])
        for name in unused:
            assert name in login.shadowed
        assert bool(login.shadowed) == bool(unused)


def test_an_empty_value_is_none(tmp_path: Path) -> None:
    assert decide(dict.fromkeys(NAMES, ""), tmp_path, "auto", {"HOME": str(tmp_path)}).kind is Kind.NONE


@pytest.mark.parametrize("setting", ["own", "shared"])
def test_a_key_that_a_setting_leaves_unused_is_told(tmp_path: Path, setting: str) -> None:
    assert decide({envfile.API_KEY: "k"}, tmp_path, setting, {"HOME": str(tmp_path)}).shadowed


# the helper that gives the key to Claude

BARE = ["K=sk-1", "# c\nK=sk-1\nOTHER=x", "K='sk-1'", 'K="sk-1"', "XK=no\nK=sk-1"]
ODD = ["export K=sk-1", " K=sk-1", "K = sk-1", "K=sk-1  ", "K=sk-1\r\n", "K=old\nK=sk-1", "K='sk-1'\nB=1\nK=sk-1"]


def given_by_helper(tmp_path: Path, text: str) -> tuple[str, str]:
    """What `.env` holds for us, and what the helper prints for Claude."""
    home = tmp_path / "ho'me $(touch x)"
    paths = InstancePaths("x", home)
    paths.claude.mkdir(parents=True)
    paths.env.write_text(text.replace("K", envfile.API_KEY), encoding="utf-8", newline="")
    env = envfile.load(paths.env)
    login = decide(env, paths.claude, "auto", {"HOME": str(tmp_path)})
    value = settings.settings(paths, InstanceSpec(), login, tmp_path)
    paths.run.mkdir()
    settings.key_file(paths).write_text(env[login.secret])
    assert "sk-1" not in json.dumps(value)
    run = subprocess.run(["/bin/sh", "-c", value["apiKeyHelper"]], capture_output=True, check=True, cwd=tmp_path)
    assert not (tmp_path / "x").exists()
    return env[envfile.API_KEY], run.stdout.decode().removesuffix("\n")


@pytest.mark.parametrize("text", BARE)
def test_the_helper_prints_the_key(tmp_path: Path, text: str) -> None:
    assert given_by_helper(tmp_path, text) == ("sk-1", "sk-1")


@pytest.mark.parametrize("text", ODD)
def test_the_helper_prints_the_key_that_load_reads(tmp_path: Path, text: str) -> None:
    assert given_by_helper(tmp_path, text) == ("sk-1", "sk-1")
