"""A person who installed ccmux into a virtual environment of its own, with a link to it on PATH."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccmux.standin import StandIn
from tests.rig import Rig
from tests.upgrade.wheels import wheel

OLD = "1.0.0"


class Installed(Rig):
    """Calls the installed command. What ccmux depends on is taken from this Python, so nothing is downloaded."""

    def __init__(self, home: Path, standin: StandIn, claude: Path, release: Path) -> None:
        super().__init__(home, standin, claude)
        path = ":".join(word for word in self.env["PATH"].split(":") if not (Path(word) / "uv").exists())
        self.env |= {
            "PATH": f"{home / 'bin'}:{path}",
            "PYTHONPATH": sysconfig.get_paths()["purelib"],
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
        }
        venv = home / "tool"
        subprocess.run([sys._base_executable, "-m", "venv", str(venv)], check=True)  # type: ignore[attr-defined]
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", str(release)]
        subprocess.run(pip, check=True, env=self.env)
        self.command = home / "bin" / "ccmux"
        self.command.symlink_to(venv / "bin" / "ccmux")

    def popen(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.command), *words],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
            **more,
        )


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where wheels are built."""
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="session")
def old_wheel(wheels: Path) -> Path:
    return wheel(wheels, OLD)


@pytest.fixture
def person(short_dir: Path, standin: StandIn, claude_binary: Path, old_wheel: Path) -> Iterator[Installed]:
    one = Installed(short_dir, standin, claude_binary, old_wheel)
    try:
        yield one
    finally:
        one.close()


def cache(home: Path) -> list[str]:
    """The releases that stand side by side."""
    versions = home / ".local" / "share" / "ccmux" / "versions"
    return sorted(
        name for name in os.listdir(versions) if (versions / name).is_dir() and not (versions / name).is_symlink()
    )
