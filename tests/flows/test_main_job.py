"""The main job as the README tells it: make an instance, talk to it, attach to it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time

import pexpect
import pytest

from tests.rig import Rig, until

pytestmark = pytest.mark.real

KEYS = ["name", "role", "state", "reason", "since", "home", "run", "cwd", "session_id", "claude", "daemon", "tmux"]


def test_new_send_and_status(rig: Rig) -> None:
    made = rig.json("new", "project-a", "--dir", str(rig.project("project-a")))
    assert made["created"] is True
    assert made["taken"] == ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"]
    assert made["instance"]["state"] == "idle"

    assert rig.ask("project-a", "what time is dinner?") == "You wrote: what time is dinner?"

    one = rig.wait_state("project-a", "idle")
    assert [key for key in KEYS if key not in one] == []
    assert (one["state"], one["role"], one["cwd"]) == ("idle", "project", str(rig.project("project-a")))
    assert one["queue"] == {"waiting": 0, "in_flight": 0, "dead": 0}
    assert one["attach"] == ["tmux", "-S", one["tmux"]["socket"], "attach-session", "-t", "=ccmux-project-a"]
    assert os.readlink(f"/proc/{one['claude']['pid']}/cwd") == str(rig.project("project-a"))
    panes = rig.tmux("project-a", "list-panes", "-a", "-F", "#{pane_pid} #{pane_current_command}").split()
    assert panes[0] == str(one["claude"]["pid"])

    paths = rig.paths("project-a")
    assert list(rig.project("project-a").iterdir()) == []  # nothing is written into the person's directory
    for path in (paths.home, paths.run, paths.data, paths.claude):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.env.stat().st_mode) == 0o600
    assert "You are project-a" in (paths.claude / "CLAUDE.md").read_text()


def test_the_key_reaches_claude_by_its_helper_alone(rig: Rig) -> None:
    one = rig.new("a")
    rig.ask("a", "hi")
    pid = one["claude"]["pid"]
    for place in ("environ", "cmdline"):
        with open(f"/proc/{pid}/{place}", "rb") as file:
            assert b"sk-ant-test" not in file.read()
    assert "sk-ant-test" not in rig.tmux("a", "show-environment", "-g")
    assert {request.credential_kind for request in rig.standin.requests() if request.main} == {"both"}


def test_new_again_changes_nothing(rig: Rig) -> None:
    first = rig.new("a")
    again = rig.json("new", "a")
    assert again["created"] is False
    assert again["instance"]["claude"]["pid"] == first["claude"]["pid"]
    rig.run("new", "a", "--dir", str(rig.home), code=2)
    assert "exists already and its directory is" in rig.stderr


def test_start_of_a_running_instance_changes_nothing(rig: Rig) -> None:
    first = rig.new("a")
    assert "runs already" in rig.run("start", "a")
    now = rig.status("a")
    assert (now["claude"], now["daemon"]) == (first["claude"], first["daemon"])


def test_restart_keeps_claude_and_restart_session_keeps_the_conversation(rig: Rig) -> None:
    first = rig.new("a")
    rig.ask("a", "remember the number 4711")
    rig.run("restart", "a")
    second = rig.status("a")
    assert second["daemon"] != first["daemon"]
    assert second["claude"]["pid"] == first["claude"]["pid"]
    rig.run("restart", "a", "--session")
    third = rig.status("a")
    assert third["claude"]["pid"] != first["claude"]["pid"]
    assert third["session_id"] == first["session_id"]
    rig.ask("a", "which number?")
    assert "4711" in json.dumps(rig.standin.requests()[-1].body["messages"])


def test_stop_refuses_messages_and_start_brings_the_conversation_back(rig: Rig) -> None:
    first = rig.new("a")
    rig.ask("a", "one")
    rig.run("stop", "a")
    one = rig.status("a")
    assert (one["state"], one["claude"]["pid"], one["daemon"]["pid"]) == ("stopped", 0, 0)
    assert one["session_id"] == first["session_id"]
    rig.run("send", "a", "two", code=4)
    assert "ccmux start a" in rig.stderr
    assert "was not running" in rig.run("stop", "a")
    rig.run("start", "--all")
    assert rig.ask("a", "three") == "You wrote: three"
    assert [one["message"]["text"] for one in rig.history("a")] == ["one", "three"]


def test_a_stranger_echoes_into_the_fifo_and_reads_the_reply(rig: Rig) -> None:
    rig.new("a")
    run = rig.paths("a").run
    reader = subprocess.Popen(["head", "-n", "2", str(run / "out.local")], stdout=subprocess.PIPE, text=True)
    subprocess.run(["sh", "-c", f"echo hi > {run}/in.local"], check=True, timeout=20)
    directive = json.dumps({"type": "task", "from": "boss", "content": "a summary", "priority": "normal"})
    subprocess.run(["sh", "-c", f"cat > {run}/in.local"], input=directive, text=True, check=True, timeout=20)
    out, _ = reader.communicate(timeout=60)
    first, second = (json.loads(line) for line in out.splitlines())
    assert (first["v"], first["part"], first["parts"], first["text"]) == (1, 1, 1, "You wrote: hi")
    assert second["text"] == "You wrote: a summary"
    assert [one["message"]["id"] for one in rig.history("a")] == [first["reply_to"], second["reply_to"]]


def test_channels_appear_with_their_fifo_and_answers_stay_on_them(rig: Rig) -> None:
    rig.new("a")
    run = rig.paths("a").run
    os.mkfifo(run / "in.desk", 0o600)
    until(lambda: (run / "out.desk").exists(), "out.desk is made for in.desk")
    reader = subprocess.Popen(["head", "-n", "1", str(run / "out.desk")], stdout=subprocess.PIPE, text=True)
    subprocess.run(["sh", "-c", f"echo for the desk > {run}/in.desk"], check=True, timeout=20)
    out, _ = reader.communicate(timeout=60)
    assert json.loads(out)["text"] == "You wrote: for the desk"
    assert "channel=desk" in rig.prompts()[-1]
    assert [one["message"]["channel"] for one in rig.history("a")] == ["desk"]
    (run / "in.desk").unlink()
    (run / "in.desk").write_text("from a file\n")  # what `echo >` makes when the FIFO is not there
    until(lambda: len(rig.history("a")) == 2, "the file's line is taken")
    until(lambda: stat.S_ISFIFO((run / "in.desk").lstat().st_mode), "the file is a FIFO again")


def test_a_line_that_is_no_message_is_rejected_and_its_channel_told(rig: Rig) -> None:
    rig.new("a")
    run = rig.paths("a").run
    with open(run / "in.local", "wb") as fifo:
        fifo.write(b'\xff\xfe broken\n{"content": 5}\n')
    reader = subprocess.run(["head", "-n", "2", str(run / "out.local")], capture_output=True, check=True, timeout=60)
    first, second = (json.loads(line) for line in reader.stdout.splitlines())
    assert "not UTF-8" in first["error"]
    assert "`content` must be a string" in second["error"]
    assert [one["message"]["state"] for one in rig.history("a")] == ["rejected", "rejected"]
    assert rig.ask("a", "go on") == "You wrote: go on"


def test_a_person_attaches_types_is_answered_there_and_detaches(rig: Rig) -> None:
    rig.new("a")
    person = pexpect.spawn(
        sys.executable, ["-m", "ccmux", "attach", "a"], env=rig.env, dimensions=(40, 120), timeout=30
    )
    try:
        person.expect("detach: prefix")
        person.send("by-hand")
        person.expect("by-hand")
        person.send("\r")
        until(lambda: "by-hand" in rig.prompts(), "Claude got what the person typed")
        until(lambda: "You wrote: by-hand" in rig.screen("a"), "the answer is on the screen")
        person.send("\x02d")
        person.expect("detached")
        person.expect(pexpect.EOF)
    finally:
        person.close(force=True)
    assert rig.history("a") == []  # answered at the terminal alone
    assert rig.ask("a", "and a channel") == "You wrote: and a channel"


def test_read_only_attach_types_nothing(rig: Rig) -> None:
    rig.new("a")
    person = pexpect.spawn(
        sys.executable, ["-m", "ccmux", "attach", "a", "--read-only"], env=rig.env, dimensions=(40, 120)
    )
    try:
        person.expect("detach: prefix")
        person.send("must not arrive\r")
        assert rig.ask("a", "hi") == "You wrote: hi"
        assert "must not arrive" not in rig.screen("a")
    finally:
        person.close(force=True)


def test_a_reply_of_one_megabyte_arrives_whole(rig: Rig) -> None:
    rig.new("a")
    text = rig.ask("a", '<<standin {"text_size": 1000000}>>', timeout=120)
    assert len(text) == 1_000_000
    run = rig.paths("a").run
    with open(run / "out.local", encoding="utf-8") as fifo:
        first = json.loads(fifo.readline())
        parts = [first, *(json.loads(fifo.readline()) for _ in range(first["parts"] - 1))]
    assert [one["part"] for one in parts] == list(range(1, first["parts"] + 1))
    assert "".join(one["text"] for one in parts) == text


def test_wait_can_time_out_and_the_message_is_kept(rig: Rig) -> None:
    rig.new("a")
    rig.run("send", "a", '<<standin {"text": "late", "delay": 3}>>', "--wait", "--timeout", "0.5", code=124)
    assert "is kept and will be answered" in rig.stderr
    until(lambda: rig.history("a")[0]["message"]["state"] == "done", "it is answered all the same")
    assert rig.history("a")[0]["replies"][0]["text"] == "late"


def test_what_a_background_task_adds_goes_to_the_channel_of_its_cause(rig: Rig) -> None:
    rig.configured("a", 'claude.allow=["Bash(*)"]')
    run = rig.paths("a").run
    flag = rig.home / "go"
    steps = [
        {"tool": "Bash", "input": {"command": f"until [ -e {flag} ]; do sleep 0.1; done", "run_in_background": True}},
        {"text": "started"},
    ]
    assert rig.ask("a", f"<<standin {json.dumps(steps)}>>") == "started"
    rig.standin.default({"text": "the task is done"})
    flag.touch()
    until(lambda: len(rig.history("a")[0]["replies"]) == 2, "the task's end is answered too")
    first, second = rig.history("a")[0]["replies"]
    assert (first["text"], second["text"]) == ("started", "the task is done")
    assert second["reply_to"] == first["reply_to"]
    with open(run / "out.local", encoding="utf-8") as fifo:
        assert [json.loads(fifo.readline())["text"] for _ in range(2)] == ["started", "the task is done"]


def test_rm_keeps_what_it_had_and_purge_does_not(rig: Rig) -> None:
    rig.new("a")
    rig.ask("a", "hi")
    rig.run("rm", "a")
    assert not rig.paths("a").home.exists()
    assert (rig.home / ".ccmux-a.removed-1" / "data" / "journal.db").exists()
    rig.run("status", "a", code=3)
    rig.new("a")
    rig.run("rm", "a", "--purge")
    assert not (rig.home / ".ccmux-a.removed-2").exists()
    assert rig.json("ls")["instances"] == []


def test_send_reads_stdin_and_keeps_the_text_exact(rig: Rig) -> None:
    rig.new("a")
    text = "line one\n  indented ünïcödé 🎉\n\nlast"
    rig.run("send", "a", "-", "--wait", stdin=text)
    assert text in rig.prompts()[-1]
    assert rig.json("send", "a", "x", "--wait")["reply"] == "You wrote: x"


def test_status_is_told_at_once_when_claude_works(rig: Rig) -> None:
    rig.new("a")
    rig.run("send", "a", '<<standin {"text": "done", "delay": 2}>>')
    assert rig.wait_state("a", "busy")["queue"]["in_flight"] == 1
    assert rig.wait_state("a", "idle")["queue"]["in_flight"] == 0
    assert time.time() - rig.status("a")["since"] < 60


def test_without_a_credential_it_says_so_and_messages_wait(rig: Rig) -> None:
    del rig.env["ANTHROPIC_API_KEY"]
    assert rig.new("a")["state"] == "logged_out"
    rig.run("send", "a", "hi", "--wait", "--timeout", "0.5", code=124)
    assert "logged_out, not-logged-in" in rig.stderr
    assert rig.history("a")[0]["message"]["attempt"] == 0
    rig.paths("a").env.write_text(f"ANTHROPIC_API_KEY=sk-ant-x\nANTHROPIC_BASE_URL={rig.standin.url}\n")
    rig.run("restart", "a", "--session")
    until(lambda: rig.history("a")[0]["message"]["state"] == "done", "then it is answered")


def test_files_that_claude_writes_have_the_mode_that_the_person_wants(rig: Rig) -> None:
    rig.new("a")
    made = rig.project("a") / "made.txt"
    steps = [{"tool": "Write", "input": {"file_path": str(made), "content": "x"}}, {"text": "written"}]
    assert rig.ask("a", f"<<standin {json.dumps(steps)}>>") == "written"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(made.stat().st_mode) == 0o666 & ~umask
