"""The built wheel works from another directory, with its data files inside."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
_MORE = (["dashboard", "--once", "--json"], ["slack", "manifest"], ["gateway", "--help"], ["projects", "--help"])


def test_the_wheel_carries_its_data_and_runs_elsewhere(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("ccmux_fleet-*.whl")
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    for kind in ("instances", "templates", "systemd", "launchd"):
        assert _below(target / "ccmux" / "_share" / kind) == _below(ROOT / kind)
    for kind in ("styles", "web"):
        inside = Path("ccmux") / "dashboard" / kind
        assert _data(target / inside) == _data(ROOT / inside) != []
    assert [path.name for path in target.glob("*.data/data/share/man/man1/*")] == ["ccmux.1"]
    code = "import ccmux.resources as r; print(r.__file__); print(r.resource('templates', 'CLAUDE.md.j2').read_text()[:20])"
    env = os.environ | {"PYTHONPATH": str(target)}
    run = subprocess.run([sys.executable, "-c", code], cwd="/", env=env, check=True, capture_output=True, text=True)
    assert run.stdout.startswith(str(target))
    for words in (["version"], ["--help"], ["new", "--help"], ["ls", "--help"], ["doctor", "--help"], *_MORE):
        argv = [sys.executable, "-m", "ccmux", *words]
        said = subprocess.run(
            argv, cwd="/", env=env | {"HOME": str(tmp_path)}, check=True, capture_output=True, text=True
        )
        assert said.stdout


def _data(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.is_file() and path.suffix != ".py")


def _below(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))
