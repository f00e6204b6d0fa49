"""A home of its own for every test, with the real tmux and the real Claude Code, talking to the stand-in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from ccmux.standin import StandIn
from tests.rig import Rig


class OneLab(LoadScopeScheduling):  # type: ignore[misc]
    """Every test by itself to whichever process is free; all of `tests/lab` to one: there is one machine."""

    def _split_scope(self, nodeid: str) -> str:
        return "lab" if nodeid.startswith("tests/lab/") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneLab | None:
    return OneLab(config, log) if config.getvalue("dist") == "load" else None


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A temporary directory whose path leaves room for a socket."""
    directory = Path(tempfile.mkdtemp(prefix="cx", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture(scope="session")
def claude_binary() -> Path:
    """The real Claude Code. Without it the tests that need it are skipped, or fail where CCMUX_REQUIRE_REAL is set."""
    found = os.environ.get("CCMUX_CLAUDE") or shutil.which("claude")
    if found:
        return Path(found).absolute()
    if os.environ.get("CCMUX_REQUIRE_REAL"):
        pytest.fail("the real Claude Code is not installed: run `make test`")
    pytest.skip("the real Claude Code is not installed: run `make test`")


@pytest.fixture
def rig(short_dir: Path, standin: StandIn, claude_binary: Path) -> Iterator[Rig]:
    """A person's home with `claude` on PATH and a key in the environment."""
    person = Rig(short_dir, standin, claude_binary)
    try:
        yield person
    finally:
        person.close()
