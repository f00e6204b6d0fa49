"""The units of systemd, looked at by systemd itself; nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ccmux.managers import units
from ccmux.managers.program import Program
from ccmux.paths import InstancePaths

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CCMUX_REQUIRE_REAL"),
    reason="there is no systemd-analyze",
)
SERVICES = ("ccmux@", "ccmux-session@", "ccmux-gateway@")


def _rendered(to: Path, flavour: str) -> None:
    for name, text in units.rendered(flavour, Program("/bin/true", "/usr/bin:/bin", "C.UTF-8", to, "daemon")).items():
        (to / name).write_text(text)


def _analyze(*words: str, runtime: str = "") -> subprocess.CompletedProcess[str]:
    env = os.environ | ({"XDG_RUNTIME_DIR": runtime} if runtime else {})
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60, env=env)


@pytest.mark.parametrize("flavour", units.FLAVOURS)
def test_every_unit_is_right(tmp_path: Path, flavour: str) -> None:
    _rendered(tmp_path, flavour)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*(f"{one}.service" for one in SERVICES), "ccmux.target"]
    )
    files = [str(tmp_path / f"{one}a.service") for one in SERVICES]
    for one in SERVICES:
        (tmp_path / f"{one}a.service").symlink_to(tmp_path / f"{one}.service")
    run = _analyze("verify", f"--{flavour}", "--recursive-errors=no", "--man=no", *files, runtime=str(tmp_path))
    assert [line for line in run.stderr.splitlines() if str(tmp_path) in line or "ccmux" in line] == []
    assert run.returncode == 0, run.stderr


def test_a_gateway_is_as_hard_as_a_daemon(tmp_path: Path) -> None:
    _rendered(tmp_path, "system")
    levels = []
    for one in ("ccmux@", "ccmux-gateway@"):
        path = tmp_path / f"{one}a.service"
        path.symlink_to(tmp_path / f"{one}.service")
        said = _analyze("security", "--offline=yes", "--no-pager", str(path)).stdout
        levels.append(float(said.rpartition(":")[2].split()[0]))
    assert levels[1] <= levels[0] < 2


def test_a_gateway_writes_to_homes_of_gateways_and_to_fifos_and_locks_alone(tmp_path: Path) -> None:
    instances = [InstancePaths(name, tmp_path / f".ccmux-{name}") for name in ("a", "b")]
    text = units.gateway_drop_in(tmp_path / "gateways" / "slack", instances)
    lines = [line for line in text.splitlines() if line.startswith("ReadWritePaths=")]
    assert lines == [
        f'ReadWritePaths="{tmp_path}/gateways"',
        *(f'ReadWritePaths="-{tmp_path}/.ccmux-{name}/{part}"' for name in ("a", "b") for part in ("run", "data")),
    ]
