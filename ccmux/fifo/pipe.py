"""Make FIFOs, and open them without being led elsewhere."""

from __future__ import annotations

import os
import select
import stat
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError

PIPE_BUF: Final = min(4096, select.PIPE_BUF)
"""A write of at most this many bytes is never torn: 4096 on Linux, 512 on macOS."""


_MODE: Final = 0o600


def make(path: Path) -> None:
    """Make the FIFO with mode 0600; one that is there already and is ours stays."""
    try:
        os.mkfifo(path, _MODE)
    except FileExistsError:
        if not is_fifo(path):
            raise CcmuxError(f"{path} is not a FIFO", fix=f"look at it, then remove it: rm {path}") from None
    if stat.S_IMODE(path.lstat().st_mode) != _MODE:
        path.chmod(_MODE)


def is_fifo(path: Path) -> bool:
    """Whether a FIFO (not a link to one) stands there."""
    try:
        return stat.S_ISFIFO(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def open_fifo(path: Path, flags: int) -> int:
    """A non-blocking descriptor of a FIFO that is ours. Fails on a link, another type, another owner.

    With O_WRONLY it raises OSError(ENXIO) while nobody reads.
    """
    fd = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(fd)
    if not stat.S_ISFIFO(found.st_mode) or found.st_uid != os.geteuid():
        os.close(fd)
        raise CcmuxError(f"{path} is not a FIFO of this user", fix=f"look at it, then remove it: rm {path}")
    return fd
