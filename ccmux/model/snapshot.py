"""One object of `instances` in `ls --json` and `status --json`: the same keys for every instance, see docs/PROTOCOL.md."""

from __future__ import annotations

from typing import Any

from ccmux.errors import CcmuxError
from ccmux.paths import InstancePaths


def frame(
    paths: InstancePaths,
    *,
    role: str,
    state: str,
    reason: str,
    since: float,
    cwd: str,
    session_id: str,
    claude: dict[str, Any],
    daemon: int,
    pane: str,
    queue: dict[str, Any],
    version: str = "",
    blocked: str = "",
    login: str = "",
    until: float = 0.0,
    drift: tuple[str, ...] = (),
    usage: dict[str, Any] | None = None,
    activity: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The keys that scripts rely on; added to, never changed."""
    try:
        socket = str(paths.tmux_socket)
    except CcmuxError:  # the runtime directory that it needs is not set here; doctor tells
        socket = ""
    return {
        "name": paths.name,
        "role": role,
        "state": state,
        "reason": reason,
        "since": round(since, 3),
        "home": str(paths.home),
        "run": str(paths.run),
        "cwd": cwd,
        "session_id": session_id,
        "claude": claude,
        "daemon": {"pid": daemon, "version": version},
        "tmux": {"socket": socket, "session": paths.session, "pane": pane},
        "attach": ["tmux", "-S", socket, "attach-session", "-t", f"={paths.session}"],
        "queue": queue,
        "blocked": blocked,
        "login": login,
        "until": until,
        "drift": list(drift),
        "usage": usage or {},
        "activity": activity or {},
    }
