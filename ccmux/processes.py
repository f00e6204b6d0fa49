"""Processes, told apart from later ones that got the same pid."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def memory(pid: int) -> float:
    """Megabytes of the process that are in memory (RSS); 0 when there is none."""
    if sys.platform == "linux":
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000
    try:
        run = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=10
        )
    except subprocess.TimeoutExpired:
        return 0.0
    return int(run.stdout.strip() or 0) / 1000


def ended(pid: int) -> bool:
    """Whether the process has ended and only its parent has not yet asked for it (a zombie). False where there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"


def started(pid: int) -> str | None:
    """When the process began: the kernel's own ticks, or (where there is no /proc) what ps says. None: there is none."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        return stat.rpartition(")")[2].split()[19]
    run = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=10
    )
    return run.stdout.strip() or None
