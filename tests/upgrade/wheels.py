"""Releases of ccmux that never were: the present tree with a version of its own, and with a fault put in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_PARTS = ("ccmux", "instances", "templates", "systemd", "launchd", "docs", "pyproject.toml", "README.md", "LICENSE")


def wheel(directory: Path, version: str, *faults: tuple[str, str, str]) -> Path:
    """Build it; each fault is (file, text, what stands there instead)."""
    tree = directory / f"tree-{version}"
    tree.mkdir(parents=True)
    for part in _PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, tree / part)
    init = tree / "ccmux" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', init.read_text()))
    for file, text, instead in faults:
        path = tree / file
        before = path.read_text()
        assert text in before, (file, text)
        path.write_text(before.replace(text, instead, 1))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=tree, check=True, capture_output=True, timeout=120)
    (made,) = directory.glob(f"ccmux_fleet-{version}-*.whl")
    return made
