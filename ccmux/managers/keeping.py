"""Start and end a keeper and what it keeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ccmux.claude.envfile import WITHHELD
from ccmux.errors import Missing, WaitTimedOut
from ccmux.locks import held
from ccmux.managers.base import Ended
from ccmux.managers.kept import Kept
from ccmux.managers.waiting import until

_TOLD = 2000
"""Characters of somebody's last words."""


def launch(of: Kept) -> Ended:
    """Start a keeper, which starts it. Of two keepers one stays; one that rests is woken."""
    if held(of.keeper_lock):
        _signal_holder(of.keeper_lock, signal.SIGUSR1)
        return lambda: "" if held(of.keeper_lock) else _said(of.errors)
    with open(of.errors, "wb", opener=_private) as stderr:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "ccmux.managers.keeper", of.name, *(["--gateway"] if of.gateway else [])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            cwd="/",
            env=_environment() | {"CCMUX_HOME": str(of.base)},
        )

    def ended() -> str:
        return "" if keeper.poll() is None or held(of.keeper_lock) else _said(of.errors)

    return ended


def end(of: Kept, within: float, ask: Callable[[], bool] = lambda: False) -> bool:
    """End it and its keeper; whether one ran. `ask` has it end by itself where it can be asked."""
    kept, ran = held(of.keeper_lock), held(of.lock)
    if not kept and not ran:
        return False
    if kept:  # first, or it would start another; it ends in order what it keeps
        _signal_holder(of.keeper_lock, signal.SIGTERM)
    if not ask() and held(of.lock):
        _signal_holder(of.lock, signal.SIGTERM)
    try:
        until(lambda: not held(of.lock) and not held(of.keeper_lock), within, f"{of.called} does not end")
    except WaitTimedOut:
        if held(of.keeper_lock):
            _kill_holder(of.keeper_lock, within, "the keeper")
        if held(of.lock):
            _kill_holder(of.lock, within, of.called)
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _said(errors: Path) -> str:
    return errors.read_text(encoding="utf-8", errors="replace").strip()[-_TOLD:] or "it said nothing"


def _environment() -> dict[str, str]:
    """The person's, without credentials (they stand in `.env`)."""
    return {key: value for key, value in os.environ.items() if key not in WITHHELD}


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


def _kill_holder(lock: Path, within: float, who: str) -> None:
    _signal_holder(lock, signal.SIGKILL)
    until(lambda: not held(lock), within, f"{who} cannot be ended")
