"""`ccmux new`: safe to repeat, to interrupt, to race; bad words are told and leave nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import uuid

import pytest

from tests.rig import Rig, alive, until

pytestmark = pytest.mark.real

HOSTILE = [
    "",
    "A",
    "-rf",
    "a b",
    "a/../../b",
    "..",
    "a.b",
    "a:b",
    "ä",
    "#(touch x)",
    "$(touch x)",
    "a;b",
    "a\nb",
    "a" * 33,
    "0a",
    "a_b",
    "*",
]


@pytest.mark.parametrize("verb", ["new", "send", "status", "attach", "start", "rm", "run"])
def test_hostile_names_exit_2_with_a_sentence_and_leave_nothing(rig: Rig, verb: str) -> None:
    before = sorted(rig.home.iterdir())
    for name in HOSTILE:
        words = [verb, "--", name] if verb not in ("run",) else [verb, name]
        rig.run(*words, *(["text"] if verb == "send" else []), code=2)
        assert "cannot name an instance" in rig.stderr
        assert "Traceback" not in rig.stderr
    assert sorted(rig.home.iterdir()) == before


def test_wrong_words_exit_2_and_unknown_instances_3(rig: Rig) -> None:
    for words in (["nonsense"], ["new"], ["new", "a", "--bogus"], ["ls", "--bogus"], ["send", "a"], ["start"]):
        rig.run(*words, code=2)
        assert "Traceback" not in rig.stderr
    for words in (["status", "zz"], ["send", "zz", "hi"], ["stop", "zz"], ["config", "show", "zz"], ["logs", "zz"]):
        rig.run(*words, code=3)
        assert "no instance named zz" in rig.stderr
    rig.run("new", "a", "--dir", "/nonexistent/x", code=2)
    rig.run("new", "a", "--from", "nonsense", code=2)
    rig.run("new", "a", "--role", "assistant", code=2)
    rig.run("new", "main", "--role", "project", code=2)
    assert list(rig.home.glob(".ccmux*")) == []


def test_the_assistant_is_called_main(rig: Rig) -> None:
    made = rig.json("new", "main")
    assert made["instance"]["role"] == "assistant"
    assert made["instance"]["home"] == str(rig.home / ".ccmux")
    assert rig.ask("main", "hi") == "You wrote: hi"
    assert "personal assistant" in (rig.paths("main").claude / "CLAUDE.md").read_text()


def test_of_twenty_at_once_one_wins_and_all_are_served(rig: Rig) -> None:
    racers = [rig.popen("new", "a", "--no-start", "--json") for _ in range(20)]
    made = [json.loads(racer.communicate(timeout=120)[0]) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 20
    assert sum(one["created"] for one in made) == 1
    assert sorted(path.name for path in rig.home.glob(".ccmux*")) == [".ccmux-a"]


def test_new_killed_at_any_point_is_finished_by_the_next(rig: Rig) -> None:
    """Kill -9 after 0, 1, 2 … steps that strace would show; here: after each of many short delays."""
    for step in range(12):
        name = f"k{step}"
        process = rig.popen("new", name, "--dir", str(rig.project("k")))
        staging = rig.home / f".ccmux-{name}.new"
        home = rig.home / f".ccmux-{name}"

        def reached(step: int = step) -> bool:
            entries = len(list(staging.rglob("*"))) if staging.exists() else 0
            return entries >= step or home.exists() or process.poll() is not None

        until(reached, "the moment to kill")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        made = rig.json("new", name)
        assert made["instance"]["state"] in ("idle", "busy"), made
        assert rig.ask(name, "hi") == "You wrote: hi"
        assert not staging.exists()
        rig.run("stop", name)


def test_git_url_is_cloned_into_the_work_directory_and_a_failed_clone_leaves_nothing(rig: Rig) -> None:
    origin = rig.home / "origin"
    origin.mkdir()
    git = ["git", "-C", str(origin), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    (origin / "file").write_text("content")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    rig.json("new", "g", "--git", str(origin))
    assert (rig.paths("g").work / "file").read_text() == "content"
    assert rig.ask("g", "hi") == "You wrote: hi"
    rig.run("new", "h", "--git", str(rig.home / "nowhere"), code=1)
    assert "git clone" in rig.stderr
    rig.run("new", "h", "--git", "ext::sh -c touch% x", code=1)
    assert list(rig.home.glob(".ccmux-h*")) == []


def test_resume_adopts_a_conversation_of_the_persons_own(rig: Rig) -> None:
    work = rig.project("own")
    session = str(uuid.uuid4())
    subprocess.run(
        [str(rig.home / "bin" / "claude"), "-p", "remember 4711", "--session-id", session],
        cwd=work,
        env=rig.env | {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    rig.run("new", "own", "--dir", str(work), "--resume", str(uuid.uuid4()), code=2)
    assert "there is no conversation" in rig.stderr
    assert not rig.paths("own").home.exists()
    made = rig.new("own", "--resume", session)
    assert made["session_id"] == session
    rig.ask("own", "which?")
    assert "4711" in json.dumps(rig.standin.requests()[-1].body["messages"])


def test_a_project_with_a_name_that_would_run_as_a_format(rig: Rig) -> None:
    odd = rig.home / "odd #(touch x) $(touch y) 'q\" ;-R ünï"
    odd.mkdir()
    made = rig.json("new", "a", "--dir", str(odd))
    assert made["instance"]["cwd"] == str(odd)
    assert rig.ask("a", "hi") == "You wrote: hi"
    assert os.readlink(f"/proc/{made['instance']['claude']['pid']}/cwd") == str(odd)
    assert not list(rig.home.rglob("[xy]"))


BROKEN = {
    "syntax": ('version = 1\n[claude\nmodel = "x"\n', 2, ""),
    "type": ("version = 1\n\n[claude]\nmodel = 5\n", 4, "claude.model"),
    "unknown": ('version = 1\n[claude]\nmodle = "x"\n', 3, "claude.modle"),
    "range": ("version = 1\n[delivery]\nmax_attempts = 0\n", 3, "delivery.max_attempts"),
    "choice": ('version = 1\n[claude]\n\npermission_mode = "yes"\n', 4, "claude.permission_mode"),
    "table": ("version = 1\n[clade]\n", 2, "clade"),
    "newer": ("version = 2\n", 1, "version"),
}


def test_every_kind_of_broken_toml_names_file_line_and_key_and_touches_nothing_that_runs(rig: Rig) -> None:
    running = rig.new("a")
    right = rig.paths("a").config.read_text()
    for kind, (text, line, key) in BROKEN.items():
        rig.paths("a").config.write_text(text)
        for words in (["config", "check", "a"], ["restart", "a"], ["config", "show", "a"]):
            rig.run(*words, code=2)
            assert f"{rig.paths('a').config}:{line}: {key}" in rig.stderr, kind
        assert rig.status("a")["claude"] == running["claude"]
        assert rig.ask("a", kind) == f"You wrote: {kind}"
        rig.run("new", f"b{line}", "--from", str(rig.paths("a").config), code=2)
    assert "did you mean claude.model?" in _unknown_key(rig)
    rig.paths("a").config.write_text(right)
    assert rig.run("config", "check", "a").endswith("is right\n")


def _unknown_key(rig: Rig) -> str:
    rig.paths("a").config.write_text(BROKEN["unknown"][0])
    rig.run("config", "check", "a", code=2)
    return rig.stderr


def test_config_set_keeps_comments_and_says_what_takes_effect_when(rig: Rig) -> None:
    rig.new("a", "--no-start")
    assert "next start of the session" in rig.run("config", "set", "a", "claude.model", "haiku")
    text = rig.paths("a").config.read_text()
    assert 'model = "haiku"' in text
    assert "# empty: Claude Code's own choice" in text
    rig.run("config", "set", "a", "claude.modle", "x", code=2)
    rig.run("config", "set", "a", "delivery.max_attempts", "none", code=2)
    assert rig.paths("a").config.read_text() == text
    assert 'model = "haiku"' in rig.run("config", "show", "a")


def test_claude_missing_is_told_within_two_seconds_and_leaves_nothing(rig: Rig) -> None:
    (rig.home / "bin" / "claude").unlink()
    rig.env["PATH"] = f"{rig.home / 'bin'}:/usr/bin:/bin"
    if shutil.which("claude", path=rig.env["PATH"]):
        pytest.fail("this machine has another claude on the system's own PATH")
    rig.run("new", "a", code=1)
    assert "npm install -g @anthropic-ai/claude-code" in rig.stderr
    assert list(rig.home.glob(".ccmux*")) == []
    rows = {one["id"]: one for one in rig.json("doctor", code=1)["checks"]}
    assert rows["claude"]["level"] == "error"


def test_doctor_finds_and_mends_open_modes_and_tells_of_shadowed_credentials(rig: Rig) -> None:
    rig.new("a", "--no-start")
    assert {one["level"] for one in rig.json("doctor")["checks"]} == {"ok"}
    rig.paths("a").env.chmod(0o644)
    with rig.paths("a").env.open("a") as file:
        file.write("CLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-x\n")
    rows = rig.json("doctor", code=1)["checks"]
    assert [one["id"] for one in rows if one["level"] == "error"] == ["a.modes"]
    assert [one["id"] for one in rows if one["level"] == "warn"] == ["a.login"]
    assert "CLAUDE_CODE_OAUTH_TOKEN is there too" in next(one["message"] for one in rows if one["id"] == "a.login")
    rig.run("doctor", "--fix")
    assert rig.paths("a").env.stat().st_mode & 0o777 == 0o600


def test_a_home_too_deep_for_a_socket_uses_the_runtime_directory(rig: Rig) -> None:
    deep = rig.home / ("d" * 60) / ("e" * 40)
    deep.mkdir(parents=True)
    rig.env["CCMUX_HOME"] = str(deep)
    rig.run("new", "a", code=1)
    assert "XDG_RUNTIME_DIR" in rig.stderr
    assert list(deep.iterdir()) == []
    rig.env["XDG_RUNTIME_DIR"] = str(rig.home / "r")
    os.mkdir(rig.home / "r", 0o700)
    rig.run("new", "a")
    try:
        assert rig.ask("a", "hi") == "You wrote: hi"
        one = rig.status("a")
        assert one["tmux"]["socket"].startswith(str(rig.home / "r" / "ccmux"))
        del rig.env["XDG_RUNTIME_DIR"]
        assert rig.status("a")["claude"] == one["claude"]  # the place is recorded
    finally:
        rig.run("stop", "a")
    until(lambda: not alive(one["claude"]["pid"]), "Claude has ended")
