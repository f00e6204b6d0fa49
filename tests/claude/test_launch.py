"""The script that becomes Claude: exactly the environment, the directory and the arguments that were meant, no secret."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccmux.claude import launch
from ccmux.claude.login import Kind
from ccmux.errors import Missing
from ccmux.model.instance import ClaudeSpec, InstanceSpec
from ccmux.paths import InstancePaths

SESSION = "0b9e2b7e-0000-4000-8000-000000000001"
CLAUDE = """#!/bin/sh
if [ "$1" = --version ]; then echo "2.1.329 (Claude Code)"; exit; fi
env -0 >"$DUMP/env"
for a in "$@"; do printf '%s\\0' "$a"; done >"$DUMP/argv"
pwd -P >"$DUMP/cwd"
tr '\\0' '\\n' </proc/$$/environ >"$DUMP/environ"
if [ -e /proc/$$/fd/9 ]; then cat <&9 >"$DUMP/fd9"; fi
"""
SHELL = {"PWD", "OLDPWD", "SHLVL", "_"}
"""What a shell adds on its own."""
FIXED = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY",
    "CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION",
    "DISABLE_AUTOUPDATER",
    "CLAUDE_CONFIG_DIR",
}
SECRET = "sk-ant-very-secret"


class Bench:
    """A home, a fake `claude`, and what it saw."""

    def __init__(self, home: Path, dump: Path) -> None:
        self.paths = InstancePaths("x", home / "in stance")
        for directory in (self.paths.data, self.paths.claude, self.paths.run, self.paths.work):
            directory.mkdir(parents=True)
        self.dump = dump
        self.dump.mkdir()
        self.claude = home / "bin dir" / "claude"
        self.claude.parent.mkdir()
        self.claude.write_text(CLAUDE, encoding="utf-8")
        self.claude.chmod(0o755)
        self.home = home
        self.daemon = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SLACK_TOKEN": SECRET}
        self.spec = InstanceSpec(claude=ClaudeSpec(command=str(self.claude)))
        self.env(f"DUMP={self.dump}")

    def env(self, *lines: str) -> None:
        self.paths.env.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def prepare(self, *, resume: bool = False, **more: Any) -> launch.Launch:
        spec = msgspec.structs.replace(self.spec, **more)
        return launch.prepare(self.paths, spec, self.daemon, session_id=SESSION, resume=resume)

    def run(self) -> subprocess.CompletedProcess[str]:
        """As tmux runs it: by its path, in an environment that holds more than Claude shall see."""
        return subprocess.run(
            ["/bin/sh", str(self.paths.launch_script)],
            env=self.daemon | {"TERM": "tmux-256color", "TMUX": "x", "TMUX_PANE": "%0", "ENV": "/nonexistent"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    def launched(self, **more: Any) -> None:
        self.prepare(**more)
        done = self.run()
        assert (done.returncode, done.stderr) == (0, "")

    def seen(self, what: str) -> str:
        return (self.dump / what).read_text(encoding="utf-8", errors="surrogateescape")

    @property
    def environment(self) -> dict[str, str]:
        return dict(part.split("=", 1) for part in self.seen("env").split("\0") if part)

    @property
    def argv(self) -> list[str]:
        return self.seen("argv").split("\0")[:-1]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, tmp_path / "dump")


def test_the_environment_is_the_allow_list(bench: Bench) -> None:
    bench.daemon |= {
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "LD_PRELOAD": "",
        "NODE_OPTIONS": "--bad",
        "EXTRA": "e",
        "CLAUDECODE": "1",
    }
    bench.launched()
    assert set(bench.environment) - SHELL == {"HOME", "PATH", "LANG", "LC_ALL", "TZ", "TERM", "DUMP"} | FIXED
    assert bench.environment["CLAUDE_CONFIG_DIR"] == str(bench.paths.claude)
    assert SECRET not in bench.seen("env") + bench.seen("environ")


def test_what_is_passed_on_request(bench: Bench) -> None:
    bench.daemon["EXTRA"] = "e 'x' $(touch x) \n\\"
    bench.launched(claude=msgspec.structs.replace(bench.spec.claude, pass_env=("EXTRA", "ABSENT")))
    assert bench.environment["EXTRA"] == bench.daemon["EXTRA"]
    assert "ABSENT" not in bench.environment


def test_the_tokens_of_an_app_of_its_own_are_not_claudes(bench: Bench) -> None:
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
    bench.env(f"DUMP={bench.dump}", *(f"{name}=xoxb-{SECRET}" for name in names), "OTHER=x")
    bench.launched()
    assert bench.environment["OTHER"] == "x"
    assert not set(names) & set(bench.environment)


def test_a_secret_is_not_passed_even_on_request(bench: Bench) -> None:
    bench.daemon["ANTHROPIC_API_KEY"] = SECRET
    bench.launched(claude=msgspec.structs.replace(bench.spec.claude, pass_env=("ANTHROPIC_API_KEY",)))
    assert SECRET not in bench.seen("env")


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"])
def test_a_secret_reaches_neither_environment_nor_argv(bench: Bench, name: str) -> None:
    bench.env(f"DUMP={bench.dump}", f"{name}={SECRET}", f"OTHER={name}")
    bench.daemon[name] = SECRET + "-of-the-person"
    prepared = bench.prepare()
    assert SECRET not in prepared.script.read_text(encoding="utf-8")
    assert SECRET not in (bench.paths.data / "settings.json").read_text(encoding="utf-8")
    assert bench.run().returncode == 0
    for what in ("env", "environ", "argv"):
        assert SECRET not in bench.seen(what)
    assert bench.environment["OTHER"] == name


def test_the_oauth_token_comes_by_descriptor_9_and_its_file_goes(bench: Bench) -> None:
    bench.env(f"DUMP={bench.dump}", f"CLAUDE_CODE_OAUTH_TOKEN={SECRET}")
    for _ in range(2):
        prepared = bench.prepare()
        assert prepared.login.kind is Kind.TOKEN
        file = bench.paths.run / "oauth-token"
        assert file.stat().st_mode & 0o777 == 0o600
        done = bench.run()
        assert (done.returncode, done.stderr) == (0, "")
        assert bench.seen("fd9") == SECRET
        assert bench.environment["CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR"] == "9"
        assert not file.exists()
    again = bench.run()
    assert again.returncode != 0  # a script without its token does not become a Claude that is not logged in


def test_no_other_descriptor_is_open(bench: Bench) -> None:
    bench.claude.write_text(CLAUDE + 'ls /proc/$$/fd >"$DUMP/fds"\n', encoding="utf-8")
    bench.env(f"DUMP={bench.dump}", f"CLAUDE_CODE_OAUTH_TOKEN={SECRET}")
    bench.launched()
    low = [int(fd) for fd in bench.seen("fds").split() if int(fd) < 10]  # a shell keeps its script above
    assert low == [0, 1, 2, 9]


NAMES = [
    "plain", "with space", "it's", 'say "x"', "$(touch x)", "`touch x`", "#(touch x)", "#{pane_id}", "two\nlines",
    "-R", "~", "*", "a;b", "back\\slash", "{work}", "é👩‍👩‍👧", "%s %d", "$HOME", "a&b|c>d",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_directory_of_any_name(bench: Bench, name: str) -> None:
    work = bench.home / "w" / name
    work.mkdir(parents=True)
    bench.launched(dir=str(work))
    assert bench.seen("cwd") == f"{work}\n"
    assert list(work.iterdir()) == []
    assert not list(bench.home.rglob("x"))
    assert not Path("/x").exists()


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_directory_that_went_is_said_plainly(bench: Bench, name: str) -> None:
    work = bench.home / "w" / name
    work.mkdir(parents=True)
    bench.prepare(dir=str(work))
    work.rmdir()
    done = bench.run()
    assert done.returncode == 72
    assert "ccmux: the directory" in done.stdout
    assert "cannot be entered" in done.stdout
    assert not list(bench.home.rglob("x"))
    with pytest.raises(Missing, match="is not there"):
        bench.prepare(dir=str(work))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_home_of_any_name(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    bench = Bench(home, tmp_path / "dump")
    bench.launched()
    assert bench.environment["CLAUDE_CONFIG_DIR"] == str(bench.paths.claude)
    assert bench.argv[:2] == ["--settings", str(bench.paths.data / "settings.json")]
    assert not list(tmp_path.rglob("x"))


def test_a_directory_whose_name_is_not_utf8(bench: Bench) -> None:
    work = os.fsencode(bench.home) + b"/w\xff"
    os.mkdir(work)
    bench.launched(dir=os.fsdecode(work))
    assert os.fsencode(bench.seen("cwd").rstrip("\n")) == work


def test_the_arguments_are_exact(bench: Bench) -> None:
    odd = ("--add-dir", "a b", "$(touch x)", "it's", "é\n", "")
    claude = msgspec.structs.replace(bench.spec.claude, args=odd, model="opus", effort="high")
    bench.launched(claude=claude)
    argv = bench.argv
    assert argv[-len(odd) :] == list(odd)
    assert argv[argv.index("--session-id") + 1] == SESSION
    assert argv[argv.index("--model") + 1] == "opus"
    assert argv[argv.index("--effort") + 1] == "high"
    assert argv[argv.index("--name") + 1] == "ccmux-x"
    assert "--strict-mcp-config" in argv
    bench.launched(claude=claude, resume=True)
    assert bench.argv[bench.argv.index("--resume") + 1] == SESSION
    assert "--session-id" not in bench.argv


def test_values_of_env_are_exact(bench: Bench) -> None:
    values = {"A": "a b", "B": "$(touch x)", "C": "it's", "D": "`id`", "E": "$HOME", "F": "é", "G": "a\\nb", "H": ""}
    bench.env(f"DUMP={bench.dump}", *(f"{key}={value}" for key, value in values.items()))
    bench.launched()
    assert {key: bench.environment[key] for key in values} == values


def test_the_env_file_cannot_move_the_configuration(bench: Bench) -> None:
    bench.env(f"DUMP={bench.dump}", "CLAUDE_CONFIG_DIR=/elsewhere", "DISABLE_AUTOUPDATER=0")
    bench.launched()
    assert bench.environment["CLAUDE_CONFIG_DIR"] == str(bench.paths.claude)


def test_no_shell_stays(bench: Bench) -> None:
    bench.claude.write_text(CLAUDE + 'echo $$ >"$DUMP/pid"\n', encoding="utf-8")
    bench.prepare()
    with subprocess.Popen(["/bin/sh", str(bench.paths.launch_script)], env=bench.daemon | {"TERM": "x"}) as process:
        assert process.wait() == 0
    assert int(bench.seen("pid")) == process.pid


def test_files_are_private_and_preparing_twice_gives_the_same(bench: Bench) -> None:
    bench.prepare()
    files = [p for p in bench.paths.home.rglob("*") if p.is_file() and p != bench.paths.env]
    first = {file: file.read_bytes() for file in files}
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    bench.prepare()
    assert {p: p.read_bytes() for p in bench.paths.home.rglob("*") if p.is_file() and p != bench.paths.env} == first


def test_a_state_file_that_is_damaged_does_not_stop_the_start(bench: Bench) -> None:
    for content in (b"{half", b"[]", b""):
        (bench.paths.claude / ".claude.json").write_bytes(content)
        bench.launched()


def test_a_state_file_that_is_not_utf8_does_not_stop_the_start(bench: Bench) -> None:
    (bench.paths.claude / ".claude.json").write_bytes(b'{"theme": "\xff"}')
    bench.launched()
