"""For a process that cannot run as it is configured, and that its manager would start again and again: wait until the
files are changed.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Final, NoReturn

from ccmux.paths import InstancePaths

LOOK_EVERY: Final = 1.0
"""Seconds; a person has just saved the file."""

Seen = tuple[tuple[int, int, int] | None, ...]
"""Which files stood there: number, time and size of each."""


def seen(paths: InstancePaths) -> Seen:
    """The instance's files of configuration as they are now. Taken before they are read, no change is missed."""
    return tuple(_identity(path) for path in (str(paths.config), str(paths.env)))


def wait(paths: InstancePaths, known: Seen) -> None:
    """Return once they are others."""
    while seen(paths) == known:
        time.sleep(LOOK_EVERY)


def begin_anew(*words: str) -> NoReturn:
    """Become the same program again, called with these words."""
    os.execv(sys.executable, [sys.executable, "-m", "ccmux", *words])  # noqa: S606 - as it was started


def _identity(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - nothing else of pathlib is needed here
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
