"""An office that stands still, in a home of its own and at a fixed time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard import office


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
