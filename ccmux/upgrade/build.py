"""Install a release into a directory of its own, by uv where it is there, else by pip."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError, UsageError
from ccmux.paths import versions
from ccmux.upgrade.release import Release, describe

_DISTRIBUTION: Final = "ccmux-fleet"
_WITHIN: Final = 900.0


def wanted(to: str) -> str:
    """What the installer is asked for: a wheel's path, that version, or (empty) the newest."""
    if to.endswith(".whl") or "/" in to:
        path = Path(to).expanduser().resolve()
        if not path.is_file():
            raise UsageError(f"there is no {path}", fix="ccmux upgrade --to VERSION, or the path of a wheel")
        return str(path)
    if to and not to.replace(".", "").replace("+", "").replace("-", "").isalnum():
        raise UsageError(f"{to!r} is neither a version nor the path of a wheel")
    return f"{_DISTRIBUTION}=={to}" if to else _DISTRIBUTION


def build(requirement: str) -> Release:
    """Install it beside the others. Whatever fails, nothing is left of it and nothing else was touched."""
    prefix = versions() / time.strftime("%Y%m%d-%H%M%S")
    try:
        _install(prefix, requirement)
        release = describe(prefix)
    except BaseException:  # also Ctrl+C
        shutil.rmtree(prefix, ignore_errors=True)
        raise
    return release


def _install(prefix: Path, requirement: str) -> None:
    base = sys._base_executable  # type: ignore[attr-defined]  # noqa: SLF001 - the Python below a virtual environment has no public name
    uv = shutil.which("uv")
    if uv:
        _run([uv, "venv", "--quiet", "--python", base, str(prefix)])
        _run([uv, "pip", "install", "--quiet", "--python", str(prefix / "bin" / "python"), requirement])
        return
    _run([base, "-m", "venv", str(prefix)])
    pip = [str(prefix / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input"]
    _run([*pip, "install", requirement])


def _run(argv: list[str]) -> None:
    try:
        run = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=_WITHIN, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise CcmuxError(f"{argv[0]} takes longer than {_WITHIN:.0f} s", fix="nothing was changed; try again") from None
    if run.returncode:
        said = (run.stderr or run.stdout).strip()[-1500:]
        raise CcmuxError(f"the release could not be installed: {said}", fix="nothing was changed")
