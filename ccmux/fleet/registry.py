"""Which instances exist here: a home with a `ccmux.toml` is one."""

from __future__ import annotations

import difflib
import os

from ccmux.errors import NoSuchInstance, UsageError
from ccmux.model.ids import instance_name
from ccmux.paths import MAIN, InstancePaths, base


def names() -> list[str]:
    """All names, the assistant first, then by the alphabet."""
    if not base().is_dir():
        raise UsageError(f"{base()} is not a directory (CCMUX_HOME, or HOME)", fix=f"mkdir -p {base()}")
    found = []
    for entry in os.scandir(base()):
        name = MAIN if entry.name == ".ccmux" else entry.name.removeprefix(".ccmux-")
        if (entry.name == ".ccmux" or entry.name.startswith(".ccmux-")) and _is_one(name):
            found.append(name)
    return sorted(found, key=lambda name: (name != MAIN, name))


def _is_one(name: str) -> bool:
    try:
        return InstancePaths.of(instance_name(name)).config.exists()
    except UsageError:  # a directory that merely looks like a home
        return False


def existing(name: str) -> InstancePaths:
    """The paths of an instance that exists. Raises UsageError for a bad name, NoSuchInstance for an unknown one."""
    paths = InstancePaths.of(instance_name(name))
    if not paths.config.exists():
        near = difflib.get_close_matches(name, names(), 1)
        raise NoSuchInstance(name, near=near[0] if near else "")
    return paths
