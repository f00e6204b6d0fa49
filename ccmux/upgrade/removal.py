"""`ccmux uninstall`: end what runs, remove what is ours, say what stays and how it goes."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ccmux.fleet import registry
from ccmux.managers import gateways, installing, kept, life
from ccmux.managers.choose import installed
from ccmux.paths import InstancePaths, base, shared, versions
from ccmux.paths import gateways as homes_of_gateways
from ccmux.upgrade.flow import alone

_TOOLS = {
    ".local/share/uv/tools/ccmux-fleet": "uv tool uninstall ccmux-fleet",
    ".local/share/pipx/venvs/ccmux-fleet": "pipx uninstall ccmux-fleet",
    ".local/pipx/venvs/ccmux-fleet": "pipx uninstall ccmux-fleet",
}
"""Where they put it (by default), and how they take it away."""


def remove() -> Iterator[str]:
    """Sentences of what was done, then of what stays. Repeated, it does nothing more."""
    with alone():
        yield from _remove()


def _remove() -> Iterator[str]:
    for name in kept.gateways():  # one that cannot be stopped ends it here: nothing has been removed
        if gateways.stop(name):
            yield f"gateway {name}: stopped"
    for name in registry.names():
        if life.stop(InstancePaths.of(name)):
            yield f"{name}: stopped"
    if installed() is not None:
        yield from installing.uninstall()
    entry = shutil.which("ccmux")
    ours = versions().exists()
    if entry is not None and Path(entry).is_symlink() and versions().resolve() in Path(entry).resolve().parents:
        Path(entry).unlink()
        yield f"removed {entry}"
    ours_alone = [path for path in versions().parent.glob("*") if path != homes_of_gateways()]
    for path in (shared(), *ours_alone):
        if path.is_dir():
            shutil.rmtree(path)
            yield f"removed {path}"
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # gateways are in it
        versions().parent.rmdir()
    yield from _what_stays(ours)


def _what_stays(upgraded: bool) -> Iterator[str]:
    """All that is the person's, and the program itself where another installed it."""
    for name in registry.names():
        paths = InstancePaths.of(name)
        yield f"kept {paths.home}: configuration, conversation and messages of {name} (rm -r {paths.home})"
    if homes_of_gateways().is_dir():
        home = homes_of_gateways()
        yield f"kept {home}: tokens, rooms and messages on their way of {', '.join(kept.gateways())} (rm -r {home})"
    for aside in sorted(base().glob(".ccmux*.removed-*")):
        yield f"kept {aside} (rm -r {aside})"
    here = Path(sys.prefix)
    tools = [line for directory, line in _TOOLS.items() if (base() / directory).is_dir()]
    if not tools and not (upgraded and versions() in here.parents):
        tools = [f"rm -r {here}"]
    for line in tools:
        yield f"the program itself: {line}"
