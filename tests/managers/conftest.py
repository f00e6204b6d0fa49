"""A Mac of the doubles, with the real Claude Code, or with the double of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.standin import StandIn
from tests.double.install import install
from tests.managers.mac import Mac
from tests.rig import Rig


@pytest.fixture
def mac(short_dir: Path, standin: StandIn, claude_binary: Path) -> Iterator[Mac]:
    """Its `claude` is the real one."""
    person = Mac(short_dir, standin, claude_binary)
    try:
        yield person
    finally:
        person.close()


@pytest.fixture
def fast_mac(short_dir: Path, standin: StandIn) -> Iterator[Mac]:
    """Its `claude` is the double."""
    person = Mac(short_dir, standin, short_dir / "nowhere")
    install(short_dir / "bin" / "claude")
    try:
        yield person
    finally:
        person.close()


@pytest.fixture
def double(short_dir: Path, standin: StandIn) -> Iterator[Rig]:
    """A person without services whose `claude` is the double."""
    person = Rig(short_dir, standin, short_dir / "nowhere")
    install(short_dir / "bin" / "claude")
    try:
        yield person
    finally:
        person.close()
