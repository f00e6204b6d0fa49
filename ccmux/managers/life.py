"""Start, stop and restart an instance, by whatever manager keeps it. The same steps whoever asks: repeated, each does
nothing more.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ccmux.claude.launch import work_directory
from ccmux.config.load import load
from ccmux.errors import CcmuxError, ProtocolError, Refused, WaitTimedOut
from ccmux.fleet.client import Client
from ccmux.locks import held
from ccmux.managers.base import Ended
from ccmux.managers.choose import manager
from ccmux.managers.owner import must_own
from ccmux.managers.waiting import until
from ccmux.paths import InstancePaths
from ccmux.tmux.server import tmux_binary

STARTS_WITHIN = 30.0


def start(paths: InstancePaths) -> bool:
    """Start the daemon, which starts or adopts the session; whether anything was started. Forgives a fault.

    Returns once the daemon answers. Two at once start one: the lock decides.
    """
    must_own(paths)
    with contextlib.suppress(Refused, ProtocolError), Client(paths) as client:
        faulted: bool = client.ask(op="status")["instance"]["state"] == "faulted"
        client.ask(op="want")
        manager().attend(paths)
        return faulted
    _prepare(paths)
    _answers(paths, manager().launch(paths))
    return True


def restart(paths: InstancePaths, *, session: bool = False) -> None:
    """Start the daemon anew, and with `session` Claude, too. Returns once the daemon answers."""
    must_own(paths)
    _prepare(paths)
    keeping = manager()
    if session:
        keeping.end(paths)
        _answers(paths, keeping.launch(paths))
    else:
        _answers(paths, keeping.relaunch(paths))


def stop(paths: InstancePaths) -> bool:
    """End the daemon, then Claude in order; whether anything ran. Conversation and messages are kept."""
    must_own(paths)
    with contextlib.suppress(CcmuxError, OSError), Client(paths) as client:
        client.ask(op="stopping")
    return manager().end(paths)


def forget(paths: InstancePaths) -> None:
    """End it, for good."""
    must_own(paths)
    keeping = manager()
    keeping.end(paths)
    keeping.forget(paths)


def _prepare(paths: InstancePaths) -> None:
    """Find out now, where somebody can be told, what would make the start fail."""
    work_directory(paths, load(paths.config))
    tmux_binary()
    for directory in (paths.logs, paths.run):
        directory.mkdir(mode=0o700, exist_ok=True)


def _answers(paths: InstancePaths, ended: Ended) -> None:
    def answers() -> bool:
        why = ended()
        if why and not held(paths.lock):
            raise CcmuxError(f"the daemon of {paths.name} ended at its start: {why}", fix=f"ccmux logs {paths.name}")
        with contextlib.suppress(Refused, ProtocolError, OSError), Client(paths) as client:
            client.ask(op="status")
            return True
        return False

    until(answers, STARTS_WITHIN, f"the daemon of {paths.name} does not answer")


def wait_ready(paths: InstancePaths, within: float = 30.0) -> dict[str, Any]:
    """The status once Claude is past its start (ready, or in need of a person), or when time is up."""
    found: dict[str, Any] = {}

    def ready() -> bool:
        with Client(paths) as client:
            found.update(client.ask(op="status")["instance"])
        return bool(found["state"] != "starting")

    with contextlib.suppress(WaitTimedOut):
        until(ready, within, "not ready")
    return found
