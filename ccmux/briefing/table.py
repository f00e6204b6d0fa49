"""The projects' table in the assistant's home. Another writes it; nothing in it is believed, and it need not be there."""

from __future__ import annotations

import os
import stat
from typing import Final

from ccmux.paths import InstancePaths

_MOST: Final = 4_000_000
"""Bytes that are read: the latest."""


def lines(paths: InstancePaths) -> list[bytes]:
    """The lines of the table; none when there is no such file. Raises OSError when there is one that cannot be read."""
    file = paths.data / "projects" / "dashboard.jsonl"
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    with os.fdopen(fd, "rb") as table:
        found = os.fstat(table.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{file} is not a file")
        cut = max(0, found.st_size - _MOST)
        table.seek(cut)
        read = table.read(_MOST).split(b"\n")
    return read[1:] if cut else read
