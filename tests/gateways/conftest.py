from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateways.village import Village
from tests.rig import Rig


@pytest.fixture
def village(rig: Rig) -> Iterator[Village]:
    made = Village(rig)
    yield made
    made.kill()
