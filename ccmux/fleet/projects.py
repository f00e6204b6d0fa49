"""What the projects have reported, as the assistant's dashboard file says: also while its daemon does not run."""

from __future__ import annotations

import json
from typing import Any

from ccmux.errors import NoSuchInstance
from ccmux.paths import MAIN, InstancePaths


def dashboard() -> list[dict[str, Any]]:
    """The latest report of every project."""
    paths = InstancePaths.of(MAIN)
    if not paths.config.exists():
        raise NoSuchInstance(MAIN)
    file = paths.data / "projects" / "dashboard.jsonl"
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]
