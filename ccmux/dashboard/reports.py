"""The reports of the projects, as the assistant's home has them: the latest of each, and the log. Only ever read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from ccmux.dashboard.board import Report, report_of
from ccmux.paths import MAIN, InstancePaths

_READ: Final = 1 << 20
"""Bytes that are read of the end of a file."""


def directory() -> Path:
    """Where they stand, also while there are none."""
    return InstancePaths.of(MAIN).data / "projects"


def latest() -> dict[str, Report]:
    """The latest report of every project."""
    return {report.project: report for report in _reports("dashboard.jsonl")}


def log(limit: int) -> list[Report]:
    """The latest reports that were accepted, oldest first."""
    return _reports("reports.jsonl")[-limit:]


def raw() -> list[dict[str, Any]]:
    """The latest of every project, for programs: the objects themselves."""
    return [value for value in _values("dashboard.jsonl") if isinstance(value, dict)]


def _reports(name: str) -> list[Report]:
    return [report for value in _values(name) if (report := report_of(value)) is not None]


def _values(name: str) -> list[object]:
    """What its lines hold; one that is no JSON (torn, or not ours) is left out."""
    found: list[object] = []
    for line in _end(directory() / name).split(b"\n"):
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    return found


def _end(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _READ))
            return file.read(_READ)
    except OSError:
        return b""
