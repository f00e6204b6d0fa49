"""Releases side by side: each a virtual environment of its own below `versions()`, and `current`, a link to one of them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError
from ccmux.fleet import registry
from ccmux.paths import InstancePaths, versions

_ANSWERS_WITHIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class Release:
    """One installation of ccmux."""

    prefix: Path
    version: str
    schema: int
    """of the journals that it writes"""
    readable_from: int
    """the oldest schema whose releases can use such a journal, too"""

    @property
    def program(self) -> Path:
        return self.prefix / "bin" / "ccmux"


def describe(prefix: Path) -> Release:
    """Ask an installation what it is. Raises CcmuxError when it does not run."""
    program, said = prefix / "bin" / "ccmux", ""
    try:
        run = subprocess.run(
            [program, "version", "--json"], capture_output=True, text=True, check=False, timeout=_ANSWERS_WITHIN
        )
        said = run.stderr.strip()[-1000:]
        told = json.loads(run.stdout)
        return Release(prefix, told["version"], told["schema"], told["readable_from"])
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        fix = "nothing was changed; choose another release"
        raise CcmuxError(f"{program} does not run: {said or error}", fix=fix) from None


def present() -> Release:
    """The one that runs now."""
    return describe(Path(sys.prefix))


def previous() -> Path | None:
    """Where the release before the current one is; None when there is none any more."""
    link = versions() / "previous"
    return link.resolve() if link.is_symlink() and (link / "bin" / "ccmux").exists() else None


def tidy(*keep: Path) -> None:
    """Delete the releases that nothing leads to: no link, no daemon, no Claude's hooks, and none of `keep`."""
    kept = {path.resolve() for path in keep} | _led_to()
    for prefix in sorted(versions().iterdir()):
        if not prefix.is_symlink() and prefix.is_dir() and prefix.resolve() not in kept:
            shutil.rmtree(prefix)


def _led_to() -> set[Path]:
    """By the links here, and by the Python of every instance's hooks, which is that of its latest daemon."""
    links = [versions() / name for name in ("current", "previous")]
    found = {link.resolve() for link in links if link.is_symlink()}
    for name in registry.names():
        with contextlib.suppress(OSError):
            python = os.readlink(InstancePaths.of(name).hooks / "python")  # noqa: PTH115 - it may lead on to another Python
            found.add(Path(python).parent.parent.resolve())
    return found
