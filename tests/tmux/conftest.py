"""A desk with a tmux server of its own, which is ended and leaves nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .desk import Desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    directory = Path(tempfile.mkdtemp(prefix="cxt", dir="/tmp"))
    made = Desk(directory)
    try:
        yield made
    finally:
        await made.close()
        shutil.rmtree(directory)
