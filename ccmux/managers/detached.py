"""Without a manager of services: a daemon of its own session, which a small keeper starts again when it dies.

The tmux server is a daemon by itself: the first `ccmux run` starts it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from ccmux.claude.envfile import SECRETS
from ccmux.errors import Missing, ProtocolError, Refused, TmuxError, TmuxGone, WaitTimedOut
from ccmux.fleet.client import Client
from ccmux.locks import held
from ccmux.managers.base import Ended, Unit
from ccmux.managers.waiting import until
from ccmux.paths import InstancePaths
from ccmux.tmux import survivor
from ccmux.tmux.server import is_gone, tmux_binary

STOPS_WITHIN = 15.0
_TMUX_ANSWERS_WITHIN = 10.0
_TOLD = 2000
"""Characters of a daemon's last words."""


class Detached:
    """Nobody brings these processes back after a boot: `ccmux up` does."""

    kind = "detached"

    def launch(self, paths: InstancePaths) -> Ended:
        """Start a keeper, which starts the daemon. Of two keepers one stays; one that rests is woken."""
        errors = paths.logs / "daemon.err"
        if held(paths.keeper_lock):
            _signal_holder(paths.keeper_lock, signal.SIGUSR1)
            return lambda: "" if held(paths.keeper_lock) else _said(errors)
        with open(errors, "wb", opener=_private) as stderr:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "ccmux.managers.keeper", paths.name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
                cwd="/",
                env=_environment() | {"CCMUX_HOME": str(paths.home.parent)},
            )

        def ended() -> str:
            return "" if keeper.poll() is None or held(paths.keeper_lock) else _said(errors)

        return ended

    def attend(self, paths: InstancePaths) -> None:
        """By a keeper, where somebody has killed the one there was."""
        if not held(paths.keeper_lock):
            self.launch(paths)

    def relaunch(self, paths: InstancePaths) -> Ended:
        """End keeper and daemon, and start others: of this release, in this environment."""
        end_daemon(paths)
        return self.launch(paths)

    def end(self, paths: InstancePaths) -> bool:
        """Whatever runs, whoever started it."""
        daemon = end_daemon(paths)
        return end_session(paths) or daemon

    def forget(self, paths: InstancePaths) -> None:
        """Nothing comes back by itself here."""

    def units(self, paths: InstancePaths) -> tuple[Unit, ...]:
        """The daemon alone: nobody else looks after it."""
        return (Unit(f"daemon of {paths.name}", "running" if held(paths.lock) else "stopped"),)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _said(errors: Path) -> str:
    return errors.read_text(encoding="utf-8", errors="replace").strip()[-_TOLD:] or "it said nothing"


def _environment() -> dict[str, str]:
    """The daemon's environment: the person's, without credentials (they stand in `.env`)."""
    return {key: value for key, value in os.environ.items() if key not in SECRETS}


def end_daemon(paths: InstancePaths) -> bool:
    """End the daemon and its keeper, not the session; whether one ran."""
    kept, ran = held(paths.keeper_lock), held(paths.lock)
    if not kept and not ran:
        return False
    if kept:  # first, or it would start another; it ends its own daemon in order
        _signal_holder(paths.keeper_lock, signal.SIGTERM)
    try:
        with Client(paths) as client:
            client.ask(op="exit")
    except (Refused, WaitTimedOut, ProtocolError, OSError):
        if held(paths.lock):
            _signal_holder(paths.lock, signal.SIGTERM)
    try:
        until(
            lambda: not held(paths.lock) and not held(paths.keeper_lock),
            STOPS_WITHIN,
            f"the daemon of {paths.name} does not end",
        )
    except WaitTimedOut:
        if held(paths.keeper_lock):
            _end_holder(paths.keeper_lock, signal.SIGKILL, "the keeper")
        if held(paths.lock):
            _end_holder(paths.lock, signal.SIGKILL, f"the daemon of {paths.name}")
    return True


def end_session(paths: InstancePaths) -> bool:
    """End Claude (SIGTERM: it leaves its conversation in order), then its tmux server; whether there was one."""
    if not paths.tmux_socket.exists() and not survivor.revive(paths.tmux_server, paths.tmux_socket):
        return False
    try:
        panes = ask_tmux(paths, "list-panes", "-a", "-F", "#{pane_pid} #{pane_dead}")
    except TmuxGone:  # a server without a session may be there all the same
        with contextlib.suppress(TmuxGone):
            ask_tmux(paths, "kill-server")
        paths.tmux_socket.unlink(missing_ok=True)
        return False
    except TmuxError:  # it hangs: nobody could stop it otherwise
        if not survivor.kill(paths.tmux_server):
            raise
        paths.tmux_socket.unlink(missing_ok=True)
        return True
    pids = [int(line.split()[0]) for line in panes.splitlines() if line.endswith(" 0")]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    with contextlib.suppress(WaitTimedOut, TmuxError):
        until(lambda: " 0\n" not in ask_tmux(paths, "list-panes", "-a", "-F", "#{pane_dead} #{pane_dead}"), 10.0, "")
    with contextlib.suppress(TmuxGone):
        ask_tmux(paths, "kill-server")
    paths.tmux_socket.unlink(missing_ok=True)
    return True


def ask_tmux(paths: InstancePaths, *args: str) -> str:
    """One tmux command; its output. Never starts a server. Raises TmuxGone when there certainly is none."""
    argv = [tmux_binary(), "-S", str(paths.tmux_socket), "-N", *args]
    try:
        run = subprocess.run(argv, capture_output=True, text=True, timeout=_TMUX_ANSWERS_WITHIN, check=False)
    except subprocess.TimeoutExpired:
        raise TmuxError(f"tmux does not answer on {paths.tmux_socket}", fix="ccmux doctor") from None
    if run.returncode:
        said = run.stderr.strip() or f"tmux {args[0]} failed"
        raise (TmuxGone if is_gone(said) else TmuxError)(said, fix="ccmux doctor")
    return run.stdout


def _signal_holder(lock: Path, number: signal.Signals) -> None:
    """Signal the process whose pid stands in the lock file: the lock is held, so it lives."""
    try:
        pid = int(lock.read_text(encoding="ascii"))
    except ValueError:
        pid = 0
    if pid <= 1:
        raise Missing(f"{lock} names no process", fix=f"fuser {lock} shows who holds it")
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _end_holder(lock: Path, number: signal.Signals, who: str) -> bool:
    _signal_holder(lock, number)
    until(lambda: not held(lock), STOPS_WITHIN, f"{who} cannot be ended")
    return True
