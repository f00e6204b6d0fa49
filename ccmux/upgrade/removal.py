"""`ccmux uninstall`: end what runs, remove what is ours, say what stays and how it goes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ccmux.errors import CcmuxError
from ccmux.fleet import registry
from ccmux.managers import installing, life
from ccmux.managers.choose import installed
from ccmux.paths import InstancePaths, base, shared, versions

_TOOLS = {"uv": "uv tool uninstall ccmux-fleet", "pipx": "pipx uninstall ccmux-fleet"}


def remove() -> Iterator[str]:
    """Sentences of what was done, then of what stays. Repeated, it does nothing more."""
    for name in registry.names():
        try:
            if life.stop(InstancePaths.of(name)):
                yield f"{name}: stopped"
        except CcmuxError as error:
            yield f"{name}: {error}"
    if installed() is not None:
        yield from installing.uninstall()
    entry = shutil.which("ccmux")
    ours = versions().exists()
    if entry is not None and Path(entry).is_symlink() and versions().resolve() in Path(entry).resolve().parents:
        Path(entry).unlink()
        yield f"removed {entry}"
    for directory in (shared(), versions().parent):
        if directory.is_dir():
            shutil.rmtree(directory)
            yield f"removed {directory}"
    yield from _what_stays(ours)


def _what_stays(upgraded: bool) -> Iterator[str]:
    """All that is the person's, and the program itself where another installed it."""
    for name in registry.names():
        paths = InstancePaths.of(name)
        yield f"kept {paths.home}: configuration, conversation and messages of {name} (rm -r {paths.home})"
    for aside in sorted(base().glob(".ccmux*.removed-*")):
        yield f"kept {aside} (rm -r {aside})"
    here = Path(sys.prefix)
    if upgraded and versions() in here.parents:
        return
    command = next((line for tool, line in _TOOLS.items() if f"/{tool}/" in f"{here}/"), f"rm -r {here}")
    yield f"the program itself: {command}"
