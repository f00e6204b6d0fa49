"""Without a manager of services: a daemon of its own session, which a small keeper starts again when it dies.

The tmux server is a daemon by itself: the first `ccmux run` starts it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from ccmux.errors import ProtocolError, Refused, TmuxError, TmuxGone, WaitTimedOut
from ccmux.fleet.client import Client
from ccmux.locks import held
from ccmux.managers import keeping, kept
from ccmux.managers.base import Ended, Gateways, Unit
from ccmux.managers.kept import Kept
from ccmux.managers.program import Program
from ccmux.managers.waiting import until
from ccmux.paths import InstancePaths
from ccmux.tmux import survivor
from ccmux.tmux.server import is_gone, tmux_binary

STOPS_WITHIN = 15.0
_TMUX_ANSWERS_WITHIN = 10.0


class DetachedGateways:
    """Each with a keeper of its own, as a daemon has."""

    def launch(self, of: Kept) -> Ended:
        """By a keeper; also where a gateway runs that has none."""
        return keeping.launch(of)

    def relaunch(self, of: Kept) -> Ended:
        keeping.end(of, STOPS_WITHIN)
        return keeping.launch(of)

    def end(self, of: Kept) -> bool:
        return keeping.end(of, STOPS_WITHIN)

    def forget(self, of: Kept) -> None:
        """Nothing comes back by itself here."""

    def unit(self, of: Kept) -> Unit:
        return Unit(of.called, "running" if held(of.lock) else "stopped")

    def keep(self, of: Kept, program: Program) -> None:
        """Nobody does at a boot."""


class Detached:
    """Nobody brings these processes back after a boot: `ccmux up` does."""

    kind = "detached"

    def __init__(self) -> None:
        self.gateways: Gateways = DetachedGateways()

    def launch(self, paths: InstancePaths) -> Ended:
        """Start a keeper, which starts the daemon. Of two keepers one stays; one that rests is woken."""
        return keeping.launch(kept.daemon(paths))

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


def end_daemon(paths: InstancePaths) -> bool:
    """End the daemon and its keeper, not the session; whether one ran."""

    def ask() -> bool:
        try:
            with Client(paths) as client:
                client.ask(op="exit")
        except (Refused, WaitTimedOut, ProtocolError, OSError):
            return False
        return True

    return keeping.end(kept.daemon(paths), STOPS_WITHIN, ask)


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
