"""How ccmux itself is called by a manager of services, and in which environment."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ccmux.errors import Missing
from ccmux.paths import base, versions

_FALLBACK = ("/usr/local/bin", "/usr/bin", "/bin")


@dataclass(frozen=True, slots=True)
class Program:
    """What units and plists are made from."""

    path: str
    """of the `ccmux` command: absolute, and the same after an upgrade where `ccmux upgrade` made it"""
    search: str
    """PATH: what the person has now, so that claude, node, git and tmux are found"""
    lang: str
    home: Path
    """that holds the homes of the instances"""
    user: str = ""


def program(user: str = "") -> Program:
    """Of this installation, for the homes in `base()`."""
    return Program(str(command()), _search(os.environ.get("PATH", "")), _lang(), base(), user)


def command() -> Path:
    """The `ccmux` beside this Python. Fails where there is none (it was imported from a checkout, say)."""
    here = Path(sys.prefix) / "bin" / "ccmux"
    current = versions() / "current"
    if current.exists() and here.parent.parent.resolve() == current.resolve():
        return current / "bin" / "ccmux"
    if not here.exists():
        raise Missing(f"there is no {here}", fix="install ccmux (README), then call that one")
    return here


def _search(path: str) -> str:
    """The absolute directories of PATH that are there, each once; never the checkout's own relative ones."""
    found = [entry for entry in path.split(":") if entry.startswith("/") and Path(entry).is_dir() and " " not in entry]
    return ":".join(dict.fromkeys([*found, *_FALLBACK]))


def _lang() -> str:
    lang = os.environ.get("LC_ALL") or os.environ.get("LANG") or "C.UTF-8"
    return lang if lang.replace("-", "").replace(".", "").replace("_", "").isalnum() else "C.UTF-8"
