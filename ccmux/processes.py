"""Processes, told apart from later ones that got the same pid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


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
