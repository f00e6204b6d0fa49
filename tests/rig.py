"""What a person has: a home, a shell, the `ccmux` command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ccmux.paths import MAIN, InstancePaths
from ccmux.standin import StandIn

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds until a condition that should come true counts as never coming true; for a very busy machine."""


def until(condition: Callable[[], T], what: str, within: float = PATIENCE) -> T:
    """Wait until the condition is true; its value."""
    give_up, pause = time.monotonic() + within, 0.01
    while not (value := condition()):
        assert time.monotonic() < give_up, f"never came true within {within:g} s: {what}"
        time.sleep(pause)
        pause = min(0.2, pause * 1.3)
    return value


class Rig:
    def __init__(self, home: Path, standin: StandIn, claude: Path) -> None:
        self.home = home
        self.standin = standin
        binaries = home / "bin"
        binaries.mkdir()
        (binaries / "claude").symlink_to(claude)
        self.env = {
            "HOME": str(home),
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "ANTHROPIC_API_KEY": "sk-ant-test-of-ccmux",
            "ANTHROPIC_BASE_URL": standin.url,
            "PYTHONPATH": str(Path(__file__).parent.parent),
        }

    def popen(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "ccmux", *words]
        return subprocess.Popen(
            argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.home, **more
        )

    def run(self, *words: str, code: int = 0, stdin: str | None = None) -> str:
        """Run `ccmux`; its stdout. The exit code must be the expected one."""
        process = self.popen(*words, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin, timeout=120)
        self.stderr = err
        assert process.returncode == code, f"ccmux {words}: exit {process.returncode}\n{out}\n{err}\n{self.logs()}"
        return out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code))

    def status(self, name: str) -> dict[str, Any]:
        (one,) = self.json("status", name)["instances"]
        return dict(one)

    def paths(self, name: str) -> InstancePaths:
        return InstancePaths(name, self.home / (".ccmux" if name == MAIN else f".ccmux-{name}"))

    def project(self, name: str) -> Path:
        """A directory of the person's to work in."""
        directory = self.home / f"src-{name}"
        directory.mkdir(exist_ok=True)
        return directory

    def new(self, name: str, *words: str) -> dict[str, Any]:
        made = self.json("new", name, "--dir", str(self.project(name)), *words)
        return dict(made["instance"])

    def configured(self, name: str, *settings: str) -> dict[str, Any]:
        """A new instance with `KEY=VALUE` settings, started."""
        self.new(name, "--no-start")
        for setting in settings:
            key, _, value = setting.partition("=")
            self.run("config", "set", name, key, value)
        self.run("start", name)
        return self.status(name)

    def ask(self, name: str, text: str, timeout: float = PATIENCE) -> str:
        return self.run("send", name, text, "--wait", "--timeout", str(timeout)).removesuffix("\n")

    def wait_state(self, name: str, *states: str) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            one = self.status(name)
            return one if one["state"] in states else None

        return until(reached, f"{name} is {states}") or {}

    def screen(self, name: str) -> str:
        return self.tmux(name, "capture-pane", "-p", "-t", f"=ccmux-{name}:")

    def tmux(self, name: str, *args: str) -> str:
        socket = str(self.paths(name).run / "tmux.sock")
        run = subprocess.run(["tmux", "-S", socket, *args], capture_output=True, text=True, check=True, env=self.env)
        return run.stdout

    def history(self, name: str) -> list[dict[str, Any]]:
        return list(self.json("history", name, "-n", "10000")["messages"])

    def prompts(self) -> list[str]:
        """The newest user text of every main request that the API got, in order."""
        return [request.text for request in self.standin.requests() if request.main]

    def logs(self) -> str:
        logs = sorted(self.home.glob(".ccmux*/logs/daemon.*"))
        return "\n".join(f"== {log}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)

    def kill_daemon(self, name: str) -> None:
        """Kill the daemon, and first the keeper, which would start another."""
        pids = [
            int(lock.read_text()) for lock in (self.paths(name).keeper_lock, self.paths(name).lock) if lock.exists()
        ]
        for pid in pids:
            kill(pid, signal.SIGKILL)
        until(lambda: not any(map(alive, pids)), "the daemon is dead")

    def close(self) -> None:
        """End everything that was started here, by its pid; keepers first."""
        for home in self.home.glob(".ccmux*"):
            locks = [home / "data" / "keeper.lock", home / "data" / "daemon.lock"]
            socket = home / "run" / "tmux.sock"
            pids = [int(lock.read_text() or 0) for lock in locks if lock.exists()]
            argv = ["tmux", "-S", str(socket)]
            if socket.exists():
                format_ = ["-F", "#{pid} #{pane_pid}"]
                found = subprocess.run(
                    [*argv, "list-panes", "-a", *format_], capture_output=True, check=False, text=True
                )
                pids += [int(word) for word in found.stdout.split()]
            for pid in filter(None, pids):
                kill(pid, signal.SIGCONT)
                kill(pid, signal.SIGKILL)
            until(lambda pids=pids: not any(alive(pid) for pid in pids if pid), "everything has ended")  # type: ignore[misc]


def kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter: it went while we read
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
