"""The gate between our Enter and Claude's dialogs: no dialog of a tool can open while Enter is on its way.

Claude runs its PreToolUse hook before it asks anybody whether a tool may be used. That hook (`ccmux.hooks.entry --gate`)
takes the lock, marks the time, and lets go. The daemon holds the lock from its last look until Claude has taken the Enter.
So a dialog is either drawn before that look, or opens after the Enter was taken for the prompt.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def closed(path: Path) -> Iterator[float | None]:
    """Hold the gate while the context lasts; the wall clock at which a tool last passed.

    None: a tool is passing at this moment, and the gate is not held.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield os.fstat(fd).st_mtime
    finally:
        os.close(fd)


def make(path: Path) -> None:
    """Have the gate there, as if no tool had passed yet."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.utime(fd, (0, 0))
    os.close(fd)
