"""What a manager of services hears of a daemon, by a socket of our own in systemd's place (sd_notify(3))."""

from __future__ import annotations

import array
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import Rig, alive, kill, until


class Manager:
    """Listens, and keeps what it is given to keep."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.said: list[str] = []
        self.kept: dict[str, list[int]] = {}

    def hear(self) -> list[str]:
        while select.select([self.socket], [], [], 0)[0]:
            data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(64))
            text = data.decode()
            self.said.append(text)
            fds = array.array("i")
            for _, kind, content in ancillary:
                assert kind == socket.SCM_RIGHTS
                fds.frombytes(content)
            name = dict(line.partition("=")[::2] for line in text.splitlines()).get("FDNAME", "")
            if "FDSTOREREMOVE=1" in text:
                for fd in self.kept.pop(name, []):
                    os.close(fd)
            elif fds:
                self.kept.setdefault(name, []).extend(fds)
        return self.said

    def close(self) -> None:
        self.hear()
        for fds in self.kept.values():
            for fd in fds:
                os.close(fd)
        self.socket.close()


@pytest.fixture
def manager(rig: Rig) -> Iterator[Manager]:
    one = Manager(rig.home / "notify")
    with contextlib.closing(one):
        yield one


@contextlib.contextmanager
def daemon(rig: Rig, manager: Manager, *words: str, watchdog: float = 0.0) -> Iterator[subprocess.Popen[bytes]]:
    """`ccmux run a`, as systemd starts it."""
    env = rig.env | {"NOTIFY_SOCKET": str(manager.path)}
    if watchdog:
        env["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
    argv = [sys.executable, "-m", "ccmux", "run", "a", *words]
    process = subprocess.Popen(argv, env=env, cwd="/")
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(30)


def test_it_is_ready_when_it_has_the_session_and_its_fifos(rig: Rig, manager: Manager) -> None:
    rig.run("new", "a", "--no-start")
    with daemon(rig, manager) as process:
        until(lambda: any("READY=1" in text for text in manager.hear()), "ready")
        assert rig.status("a")["claude"]["pid"] or rig.status("a")["tmux"]["pane"]
        assert "in.local" in manager.kept
        assert rig.ask("a", "one") == "You wrote: one"
    assert process.returncode == 0
    assert any("STOPPING=1" in text for text in manager.hear())


def test_it_is_not_ready_without_the_server_that_it_must_not_start(rig: Rig, manager: Manager) -> None:
    rig.run("new", "a", "--no-start")
    with daemon(rig, manager, "--no-server"):
        until(lambda: "tmux new-session failed" in rig.logs(), "tried")
        assert not any("READY=1" in text for text in manager.hear())
        server = subprocess.Popen([sys.executable, "-m", "ccmux", "session", "a"], env=rig.env, cwd="/")
        try:
            until(lambda: any("READY=1" in text for text in manager.hear()), "ready")
            assert _server(rig) == server.pid
            assert rig.ask("a", "one") == "You wrote: one"
            rig.run("session", "a", "--end")
            server.wait(30)
        finally:
            kill(server.pid, signal.SIGKILL)
            server.wait()


def test_a_session_service_waits_for_a_server_that_is_there(rig: Rig, manager: Manager) -> None:
    """Services are installed for an instance that runs: its daemon changes hands, its Claude does not notice."""
    before = rig.new("a")
    server = _server(rig)
    rig.kill_daemon("a")
    argv = [sys.executable, "-m", "ccmux", "session", "a"]
    with subprocess.Popen(argv, env=rig.env, cwd="/", stdout=subprocess.PIPE, text=True) as waiting:
        try:
            assert waiting.stdout is not None
            assert f"the tmux server {server} of a goes on" in waiting.stdout.readline()
            with daemon(rig, manager, "--no-server"):
                until(lambda: any("READY=1" in text for text in manager.hear()), "ready")
                assert rig.ask("a", "one") == "You wrote: one"
                assert rig.status("a")["claude"]["pid"] == before["claude"]["pid"]
                kill(server, signal.SIGKILL)
                until(lambda: _server(rig) == waiting.pid, "it took its place")
                assert rig.ask("a", "two") == "You wrote: two"
                assert rig.status("a")["session_id"] == before["session_id"]
            rig.run("session", "a", "--end")
            waiting.wait(30)
        finally:
            waiting.kill()


def _server(rig: Rig) -> int:
    """The pid of the tmux server; 0 while there is none."""
    with contextlib.suppress(subprocess.CalledProcessError):
        return int(rig.tmux("a", "display-message", "-p", "#{pid}") or 0)
    return 0


def test_it_speaks_while_its_loop_turns_and_is_silent_when_stopped(rig: Rig, manager: Manager) -> None:
    rig.run("new", "a", "--no-start")
    with daemon(rig, manager, watchdog=0.6) as process:
        until(lambda: sum("WATCHDOG=1" in text for text in manager.hear()) >= 3, "alive")
        process.send_signal(signal.SIGSTOP)
        until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", "stopped")
        manager.hear()
        heard = len(manager.said)
        assert not select.select([manager.socket], [], [], 1.5)[0]
        assert len(manager.hear()) == heard
        process.send_signal(signal.SIGCONT)
        until(lambda: "WATCHDOG=1" in manager.hear()[-1] and len(manager.said) > heard, "alive again")


def test_what_is_written_while_no_daemon_lives_is_read_by_the_next_one(rig: Rig, manager: Manager) -> None:
    rig.run("new", "a", "--no-start")
    fifo = rig.paths("a").run / "in.local"
    with daemon(rig, manager) as process:
        until(lambda: any("READY=1" in text for text in manager.hear()), "ready")
        process.kill()
        process.wait()
        with fifo.open("w") as pipe:  # does not wait: the store has a reading end
            pipe.write("written meanwhile\n")
    with daemon(rig, manager):
        until(lambda: [one["message"]["state"] for one in rig.history("a")] == ["done"], "it is answered")
        until(lambda: len(manager.hear()) and len(manager.kept["in.local"]) == 1, "kept once")
        os.mkfifo(rig.paths("a").run / "in.desk", 0o600)
        until(lambda: "in.desk" in manager.kept or not manager.hear(), "a new channel is kept, too")
        (rig.paths("a").run / "in.desk").unlink()
        until(lambda: "in.desk" not in manager.kept or not manager.hear(), "and let go of")
    assert rig.prompts() == ["written meanwhile"] or "written meanwhile" in rig.prompts()[0]


def test_again_after_run_was_wiped_the_manager_is_still_told(rig: Rig, manager: Manager) -> None:
    rig.run("new", "a", "--no-start")
    with daemon(rig, manager) as process:
        until(lambda: any("READY=1" in text for text in manager.hear()), "ready")
        heard = len(manager.said)
        shutil.rmtree(rig.paths("a").run, ignore_errors=True)
        until(lambda: any("READY=1" in text for text in manager.hear()[heard:]), "ready again")
        assert not any("STOPPING=1" in text for text in manager.said)  # systemd would end what it believes to be ending
        assert alive(process.pid)
        assert rig.ask("a", "one") == "You wrote: one"
