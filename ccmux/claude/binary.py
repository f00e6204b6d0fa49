"""Which `claude` there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from ccmux.errors import Missing

_VERSION = re.compile(r"(\d+\.\d+\.\d+\S*)")


def find(command: str) -> Path:
    """The absolute path of `claude.command`, looked up on PATH when it is a bare name. Symlinks stay: updates move them."""
    found = shutil.which(command)
    if found is None:
        raise Missing(
            f"Claude Code is not installed: there is no {command} on PATH",
            fix="npm install -g @anthropic-ai/claude-code   (or set claude.command to its path)",
        )
    return Path(found).absolute()


def version(binary: Path) -> str:
    """What `claude --version` prints; fails when it does not run."""
    try:
        run = subprocess.run(
            [str(binary), "--version"], capture_output=True, text=True, timeout=20, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Missing(f"{binary} does not run: {error}", fix="install Claude Code again") from error
    found = _VERSION.search(run.stdout)
    if found is None:
        raise Missing(f"{binary} --version prints no version: {run.stdout[:80]!r}", fix="install Claude Code again")
    return found[1]
