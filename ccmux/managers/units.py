"""The units of systemd, made from the files in `systemd/`. Nothing is written here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ccmux.config.load import load
from ccmux.errors import CcmuxError, UsageError
from ccmux.managers.program import Program
from ccmux.paths import InstancePaths
from ccmux.resources import resource

TARGET: Final = "ccmux.target"
FLAVOURS: Final = ("user", "system")
_FORBIDDEN: Final = frozenset("\n\"'\\%$")
"""What would mean something else inside a unit."""
_SYSTEM: Final = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "run", "sbin", "sys", "usr")
_CACHES: Final = (".claude", ".cache", ".npm", ".local/state")
"""In the person's home: the login that is shared, and what tools keep. Written where it is there."""


def daemon(name: str) -> str:
    return f"ccmux@{name}.service"


def session(name: str) -> str:
    return f"ccmux-session@{name}.service"


def gateway(name: str) -> str:
    return f"ccmux-gateway@{name}.service"


def rendered(flavour: str, program: Program) -> dict[str, str]:
    """Name of the file → its text."""
    values = {
        "HOME": str(program.home),
        "USER": program.user,
        "PATH": program.search,
        "LANG": program.lang,
        "PROGRAM": program.path,
    }
    for key, value in values.items():
        if _FORBIDDEN & set(value) or (key != "PATH" and " " in value):
            raise UsageError(f"{value!r} cannot stand in a unit", fix="use a directory without blanks and quotes")
    found = {}
    for path in sorted(resource("systemd", flavour).iterdir()):
        text = path.read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        found[path.name] = text
    return found


def work_of(paths: InstancePaths) -> str:
    """The directory that the person named; empty when there is none, or it cannot be known now."""
    try:
        return load(paths.config).dir
    except CcmuxError:  # it is told where the instance is started
        return ""


def drop_ins(paths: InstancePaths, person: Path, work: str) -> dict[str, str]:
    """What the units of one instance may write to, in the system's flavour: everything else is read-only to them.

    The system's own directories and the whole of the person's home stay read-only whatever `work` says.
    """
    named = (
        [Path(work)] if work and Path(work) not in (person, *person.parents) and not _of_the_system(Path(work)) else []
    )
    always = [paths.home, *named]
    ours = [paths.home, *([paths.home.parent / ".cache"])]
    caches = [person / name for name in _CACHES]
    return {
        f"{session(paths.name)}.d/paths.conf": _writable(always, caches),
        f"{daemon(paths.name)}.d/paths.conf": _writable(ours[:1], ours[1:]),
    }


def gateway_drop_in(home: Path, instances: list[InstancePaths]) -> str:
    """What the unit of a gateway may write to, in the system's flavour: homes of gateways; FIFOs and locks of the instances."""
    return _writable([home.parent], [part for paths in instances for part in (paths.run, paths.data)])


def _of_the_system(work: Path) -> bool:
    return not work.is_absolute() or ".." in work.parts or work.parts[1:2] == () or work.parts[1] in _SYSTEM


def _writable(needed: list[Path], optional: list[Path]) -> str:
    lines = [f'ReadWritePaths="{_quoted(path)}"' for path in needed]
    lines += [f'ReadWritePaths="-{_quoted(path)}"' for path in optional]
    return "\n".join(["# Made by ccmux at every start of the instance.", "[Service]", *lines, ""])


def _quoted(path: Path) -> str:
    text = os.fspath(path)
    if _FORBIDDEN & set(text):
        raise UsageError(f"{text!r} cannot stand in a unit", fix="move it to a directory with a plainer name")
    return text
