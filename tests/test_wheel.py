"""The built wheel works from another directory, with its data files inside."""

from __future__ import annotations

import configparser
import os
import plistlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from ccmux.resources import resource

ROOT = Path(__file__).parent.parent


def test_the_wheel_carries_its_data_and_runs_elsewhere(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("ccmux_fleet-*.whl")
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    kinds = {
        kind: sorted(path.name for path in (ROOT / kind).iterdir())
        for kind in ("instances", "templates", "systemd", "launchd")
    }
    for kind, files in kinds.items():
        assert sorted(path.name for path in (target / "ccmux" / "_share" / kind).iterdir()) == files
    code = "import ccmux.resources as r; print(r.__file__); print(r.resource('templates', 'CLAUDE.md.j2').read_text()[:20])"
    env = os.environ | {"PYTHONPATH": str(target)}
    run = subprocess.run([sys.executable, "-c", code], cwd="/", env=env, check=True, capture_output=True, text=True)
    assert run.stdout.startswith(str(target))
    for words in (["version"], ["--help"], ["new", "--help"], ["ls", "--help"], ["doctor", "--help"]):
        argv = [sys.executable, "-m", "ccmux", *words]
        said = subprocess.run(
            argv, cwd="/", env=env | {"HOME": str(tmp_path)}, check=True, capture_output=True, text=True
        )
        assert said.stdout


def test_the_systemd_unit_is_right() -> None:
    unit = str(resource("systemd", "ccmux.service"))
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(unit)
    assert parsed["Service"]["ExecStart"].endswith("'exec ccmux start --all'")
    assert parsed["Install"]["WantedBy"] == "default.target"
    if shutil.which("systemd-analyze") is None:
        return  # a machine without systemd: what could be read was checked
    argv = ["systemd-analyze", "--user", "verify", "--man=no", "--recursive-errors=yes", unit]
    run = subprocess.run(
        argv, capture_output=True, text=True, check=False, env=os.environ | {"XDG_RUNTIME_DIR": "/tmp"}
    )
    assert [line for line in run.stderr.splitlines() if "ccmux.service" in line] == []


def test_the_launchd_job_is_right() -> None:
    job = plistlib.loads(resource("launchd", "com.ccmux.start.plist").read_bytes())
    assert job["Label"] + ".plist" == "com.ccmux.start.plist"
    assert job["Umask"] == 0o077
