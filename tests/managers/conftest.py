"""A person whose `claude` is the double: fast, and as far as daemons and sessions go the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.standin import StandIn
from tests.double.install import install
from tests.rig import Rig


@pytest.fixture
def double(short_dir: Path, standin: StandIn) -> Iterator[Rig]:
    """A person without services whose `claude` is the double."""
    person = Rig(short_dir, standin, short_dir / "nowhere")
    install(short_dir / "bin" / "claude")
    try:
        yield person
    finally:
        person.close()
