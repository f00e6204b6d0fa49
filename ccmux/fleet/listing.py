"""The instances as `ls` and `status` show them, asked all at once; those without a daemon are read from disk."""

from __future__ import annotations

from typing import Any

from ccmux.errors import CcmuxError, ConfigError, Refused
from ccmux.fleet.client import Client
from ccmux.paths import MAIN, InstancePaths


def explained(names: list[str]) -> list[dict[str, Any]]:
    """As `statuses`, each with `evidence`: every source of its state."""
    return statuses(names, explain=True)


def statuses(names: list[str], *, explain: bool = False) -> list[dict[str, Any]]:
    """One object per name, in that order. Never fails for one of them: its state then says what is wrong."""
    asked: list[tuple[InstancePaths, Client | CcmuxError]] = []
    for name in names:
        paths = InstancePaths.of(name)
        try:
            client = Client(paths)
            client.post(op="status", **({"explain": True} if explain else {}))
            asked.append((paths, client))
        except (CcmuxError, OSError) as error:
            asked.append((paths, error if isinstance(error, CcmuxError) else CcmuxError(str(error))))
    return [_one(paths, client) for paths, client in asked]


def _one(paths: InstancePaths, client: Client | CcmuxError) -> dict[str, Any]:
    if isinstance(client, CcmuxError):
        return at_rest(paths, "" if isinstance(client, Refused) else client.what)
    with client:
        try:
            told = client.answer()
        except (CcmuxError, OSError) as error:
            return at_rest(paths, f"daemon: {error}")
    instance: dict[str, Any] = told["instance"]
    return instance | ({"evidence": told["evidence"]} if "evidence" in told else {})


def _claude(paths: InstancePaths) -> int:
    """The pid of a Claude that goes on without a daemon; 0 when there is none or tmux does not tell."""
    import subprocess

    argv = ["tmux", "-S", str(paths.tmux_socket), "-N", "list-panes", "-a", "-F", "#{pane_dead} #{pane_pid}"]
    try:
        run = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=2)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return next((int(line[2:]) for line in run.stdout.splitlines() if line.startswith("0 ")), 0)


def _last_word(paths: InstancePaths) -> str:
    try:
        return paths.last_word.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _today(paths: InstancePaths, timezone: str) -> dict[str, Any]:
    """What was used today; empty when nothing was ever counted."""
    import time

    from ccmux.core.days import zone_of
    from ccmux.journal.history import usage_days
    from ccmux.model.usage import frame

    days = usage_days(paths.journal, time.time(), zone_of(timezone), 1)
    return frame(days[-1]) if days else {}


def at_rest(paths: InstancePaths, trouble: str = "") -> dict[str, Any]:
    """An instance whose daemon does not answer, from its files."""
    from ccmux.config.load import load
    from ccmux.journal.history import Queue, summary
    from ccmux.model.snapshot import frame

    role, work = ("assistant" if paths.name == MAIN else "project"), ""
    queue, session_id = Queue(), ""
    usage: dict[str, Any] = {}
    try:
        spec = load(paths.config)
        role, work = spec.role, spec.dir or str(paths.work)
        queue, session_id = summary(paths.journal)
        usage = _today(paths, spec.timezone)
    except ConfigError as error:
        trouble = trouble or f"config: {error.what}"
    except CcmuxError as error:
        trouble = trouble or error.what
    try:
        alive = paths.tmux_socket.exists()
    except CcmuxError as error:
        alive, trouble = False, trouble or error.what
    return frame(
        paths,
        role=role,
        state="stopped",
        reason=trouble or _last_word(paths) or ("daemon-not-running" if alive else ""),
        since=0.0,
        cwd=work,
        session_id=session_id,
        claude={"pid": _claude(paths) if alive else 0, "version": ""},
        daemon=0,
        pane="",
        queue={"waiting": queue.waiting, "in_flight": queue.in_flight, "dead": queue.dead},
        usage=usage,
    )
