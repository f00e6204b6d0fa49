"""Releases side by side: each a virtual environment of its own below `versions()`, and `current`, a link to one of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError
from ccmux.paths import versions

_ANSWERS_WITHIN: Final = 60.0
_MARK: Final = "ccmux-release"
"""Stands in a release that was installed whole."""


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


def whole(prefix: Path) -> None:
    """Mark a release as installed to its end."""
    (prefix / _MARK).touch()


def tidy(keep: set[Path]) -> list[Path]:
    """Delete releases that are not to be kept, and those that were never finished; what was deleted."""
    gone = []
    kept = {path.resolve() for path in keep}
    for prefix in sorted(versions().iterdir()):
        if prefix.is_symlink() or not prefix.is_dir() or prefix.resolve() in kept:
            continue
        shutil.rmtree(prefix)
        gone.append(prefix)
    return gone
