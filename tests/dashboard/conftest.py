"""An office that stands still, in a home of its own and at a fixed time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.standin import StandIn
from tests.dashboard import office
from tests.double.install import install
from tests.rig import Rig


@pytest.fixture
def still(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Homes with journals; the machine's time zone is UTC."""
    for name in ("COLORFGBG", "TEXTUAL_THEME", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CCMUX_HOME", str(short_dir))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    office.build(short_dir)
    yield short_dir
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def house(short_dir: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A person's home with the double, in which this process lives, too."""
    rig = Rig(short_dir, standin, short_dir / "none")
    install(rig.home / "bin" / "claude")
    for name in ("COLORFGBG", "CCMUX_HOME", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in rig.env.items():
        monkeypatch.setenv(name, value)
    try:
        yield rig
    finally:
        rig.close()
