"""Claude Code's own session registry, `sessions/<pid>.json`: written by the process itself within 0.1 s of a change.

Internal to Claude Code; what is not there or not understood is None, never an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from ccmux.core.sources import Registered
from ccmux.processes import started


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    session_id: str = ""
    status: str = ""
    waiting_for: str | None = None
    version: str = ""
    proc_start: str | None = None
    status_updated_at: float = 0.0


_decode = msgspec.json.Decoder(_Entry).decode


def read(config_dir: Path, pid: int) -> Registered | None:
    """What the Claude with that pid says of itself. A file that an earlier process with the pid left does not count."""
    try:
        entry = _decode((config_dir / "sessions" / f"{pid}.json").read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not entry.status or (entry.proc_start and sys.platform == "linux" and started(pid) != entry.proc_start):
        return None
    return Registered(
        entry.session_id, entry.status, entry.waiting_for or "", entry.version, entry.status_updated_at / 1000
    )
