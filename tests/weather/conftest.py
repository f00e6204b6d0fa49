"""An instance with the double, and nothing of it left afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.standin import StandIn
from tests.rig import Rig

pytest.register_assert_rewrite("tests.weather.sky")
from tests.weather.sky import Sky  # noqa: E402


@pytest.fixture
def sky(short_dir: Path, standin: StandIn) -> Iterator[Sky]:
    made = Sky(Rig(short_dir, standin, short_dir / "none"))
    try:
        yield made
    finally:
        made.close()
