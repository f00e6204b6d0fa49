"""A tmux server whose socket was wiped lives on, and Claude in it. It is found by its pid and asked to make the socket again.

Without this a second Claude would be started on the same conversation.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final

from ccmux.errors import TmuxError
from ccmux.files import write_private
from ccmux.processes import ended, started

ANSWERS_WITHIN: Final = 5.0


def remember(record: Path, pid: int) -> None:
    """Note the server. Doing it again changes nothing."""
    text = f"{pid} {started(pid) or ''}\n"
    if not record.exists() or record.read_text(encoding="utf-8") != text:
        write_private(record, text.encode())


def kill(record: Path) -> bool:
    """End a server that does not answer, by force: its terminals close, and Claude ends in order. False when none is known."""
    pid = _living(record)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    while _living(record) is not None:
        time.sleep(0.01)
    return True


def _living(record: Path) -> int | None:
    """The noted server, if it is that very process that lives."""
    try:
        word, _, begun = record.read_text(encoding="utf-8").strip().partition(" ")
        pid = int(word)
    except (FileNotFoundError, ValueError):
        return None
    return pid if pid > 1 and begun and started(pid) == begun and not ended(pid) else None


def revive(record: Path, socket: Path) -> bool:
    """Have a living server make its socket again (SIGUSR1, see tmux(1)); False when there is no such server.

    Raises TmuxError when it lives and does not: then nothing may be started.
    """
    pid = _living(record)
    if pid is None:
        return False
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    give_up = time.monotonic() + ANSWERS_WITHIN
    while time.monotonic() < give_up:
        try:
            os.kill(pid, signal.SIGUSR1)
        except ProcessLookupError:
            return False
        for _ in range(20):
            if socket.exists():
                return True
            time.sleep(0.01)
    raise TmuxError(
        f"the tmux server {pid} lives and does not make {socket} again", fix=f"look at it, then end it: kill {pid}"
    )
