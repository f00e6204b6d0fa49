"""Start and stop what belongs to an instance: the daemon, detached, and the session with Claude.

The same steps whoever asks: repeated, each does nothing more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from ccmux.claude.envfile import SECRETS
from ccmux.claude.launch import work_directory
from ccmux.config.load import load
from ccmux.errors import CcmuxError, Missing, ProtocolError, Refused, TmuxError, TmuxGone, WaitTimedOut
from ccmux.fleet.client import Client
from ccmux.locks import held
from ccmux.paths import InstancePaths
from ccmux.tmux import survivor
from ccmux.tmux.server import is_gone, tmux_binary

STARTS_WITHIN = 15.0
STOPS_WITHIN = 15.0
_TMUX_ANSWERS_WITHIN = 10.0


def start(paths: InstancePaths) -> bool:
    """Start the daemon, which starts or adopts the session; whether anything was started. Forgives a fault.

    Returns once the daemon answers. Two at once start one: the lock decides.
    """
    with contextlib.suppress(Refused, ProtocolError), Client(paths) as client:
        faulted: bool = client.ask(op="status")["instance"]["state"] == "faulted"
        client.ask(op="want")
        return faulted
    work_directory(paths, load(paths.config))
    tmux_binary()
    paths.logs.mkdir(mode=0o700, exist_ok=True)
    paths.run.mkdir(mode=0o700, exist_ok=True)
    errors = paths.logs / "daemon.err"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "ccmux", "run", paths.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            cwd="/",
            env=_environment() | {"CCMUX_HOME": str(paths.home.parent)},
        )

    def answers() -> bool:
        if process.poll() is not None and not held(paths.lock):
            said = errors.read_text(encoding="utf-8", errors="replace").strip()
            raise CcmuxError(
                f"the daemon of {paths.name} ended at its start: {said[-2000:]}", fix=f"ccmux logs {paths.name}"
            )
        with contextlib.suppress(Refused, ProtocolError, OSError), Client(paths) as client:
            client.ask(op="status")
            return True
        return False

    _until(answers, STARTS_WITHIN, f"the daemon of {paths.name} does not answer")
    return True


def _environment() -> dict[str, str]:
    """The daemon's environment: the person's, without credentials (they stand in `.env`)."""
    return {key: value for key, value in os.environ.items() if key not in SECRETS}


def wait_ready(paths: InstancePaths, within: float = 30.0) -> dict[str, Any]:
    """The status once Claude is past its start (ready, or in need of a person), or when time is up."""
    found: dict[str, Any] = {}

    def ready() -> bool:
        with Client(paths) as client:
            found.update(client.ask(op="status")["instance"])
        return bool(found["state"] != "starting")

    with contextlib.suppress(WaitTimedOut):
        _until(ready, within, "not ready")
    return found


def stop_daemon(paths: InstancePaths) -> bool:
    """End the daemon, not the session; whether one ran."""
    if not held(paths.lock):
        return False
    try:
        with Client(paths) as client:
            client.ask(op="exit")
    except (Refused, WaitTimedOut, ProtocolError, OSError):
        _signal_holder(paths, signal.SIGTERM)
    try:
        _until(lambda: not held(paths.lock), STOPS_WITHIN, f"the daemon of {paths.name} does not end")
    except WaitTimedOut:
        _signal_holder(paths, signal.SIGKILL)
        _until(lambda: not held(paths.lock), STOPS_WITHIN, f"the daemon of {paths.name} cannot be ended")
    return True


def stop_session(paths: InstancePaths) -> bool:
    """End Claude (SIGTERM: it leaves its conversation in order), then its tmux server; whether there was one."""
    if not paths.tmux_socket.exists() and not survivor.revive(paths.tmux_server, paths.tmux_socket):
        return False
    try:
        panes = _tmux(paths, "list-panes", "-a", "-F", "#{pane_pid} #{pane_dead}")
    except TmuxGone:
        paths.tmux_socket.unlink(missing_ok=True)
        return False
    pids = [int(line.split()[0]) for line in panes.splitlines() if line.endswith(" 0")]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    with contextlib.suppress(WaitTimedOut, TmuxError):
        _until(lambda: " 0\n" not in _tmux(paths, "list-panes", "-a", "-F", "#{pane_dead} #{pane_dead}"), 10.0, "")
    with contextlib.suppress(TmuxGone):
        _tmux(paths, "kill-server")
    paths.tmux_socket.unlink(missing_ok=True)
    return True


def _tmux(paths: InstancePaths, *args: str) -> str:
    argv = [tmux_binary(), "-S", str(paths.tmux_socket), *args]
    try:
        run = subprocess.run(argv, capture_output=True, text=True, timeout=_TMUX_ANSWERS_WITHIN, check=False)
    except subprocess.TimeoutExpired:
        raise TmuxError(f"tmux does not answer on {paths.tmux_socket}", fix="ccmux doctor") from None
    if run.returncode:
        said = run.stderr.strip() or f"tmux {args[0]} failed"
        raise (TmuxGone if is_gone(said) else TmuxError)(said, fix="ccmux doctor")
    return run.stdout


def _signal_holder(paths: InstancePaths, number: signal.Signals) -> None:
    """Signal the process whose pid stands in the lock file: the lock is held, so it lives."""
    try:
        os.kill(int(paths.lock.read_text(encoding="ascii")), number)
    except ValueError:
        raise Missing(f"{paths.lock} names no process", fix="ccmux doctor") from None
    except ProcessLookupError:
        return


def _until(condition: Callable[[], bool], within: float, what: str) -> None:
    give_up, pause = time.monotonic() + within, 0.01
    while not condition():
        if time.monotonic() > give_up:
            raise WaitTimedOut(f"{what} within {within:g} s", fix="ccmux doctor")
        time.sleep(pause)
        pause = min(0.1, pause * 1.3)
