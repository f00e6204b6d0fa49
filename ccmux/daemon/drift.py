"""What runs and what is configured or installed: where they differ, a person is told what a restart would change."""

from __future__ import annotations

import os
from pathlib import Path

from ccmux.config.load import load
from ccmux.errors import CcmuxError
from ccmux.model.instance import InstanceSpec
from ccmux.paths import InstancePaths


def identity(binary: str) -> str:
    """Of the file behind the path: it changes with every update of Claude Code."""
    try:
        found = os.stat(binary)  # noqa: PTH116 - a path of the configuration, as it is
    except OSError:
        return ""
    return f"{binary}\t{os.path.realpath(binary)}\t{found.st_ino}\t{found.st_mtime_ns}"


def drift(paths: InstancePaths, spec: InstanceSpec) -> tuple[str, ...]:
    """`configuration`: `ccmux.toml` says something else than runs. `claude`: its program was replaced since it started."""
    found = []
    try:
        started = paths.started_binary.read_text(encoding="utf-8")
    except OSError:
        started = ""
    try:
        if load(paths.config) != spec:
            found.append("configuration")
    except CcmuxError:
        found.append("configuration")
    path = started.partition("\t")[0]
    if path and Path(path).exists() and identity(path) != started:
        found.append("claude")
    return tuple(found)
