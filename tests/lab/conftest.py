"""One machine for all tests here: they run in one process, one after the other (`tests/conftest.py`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import install
from tests.lab.machine import Machine, why_not
from tests.lab.person import Person

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def machine(claude_binary: Path) -> Iterator[Machine]:
    """Skipped where it cannot be had, and failed where CCMUX_REQUIRE_REAL is set."""
    why = why_not()
    if why and os.environ.get("CCMUX_REQUIRE_REAL"):
        pytest.fail(f"the services were not tried under systemd: {why}")
    if why:
        pytest.skip(f"THE SERVICES ARE NOT TRIED UNDER SYSTEMD: {why}")
    made = Machine(claude_binary)
    try:
        install.fetch(made.share)
        made.boot()
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def resident(machine: Machine) -> Person:
    """Alice, with ccmux; and the stand-in of the model, which starts at boot."""
    wheel = install.settle(machine)
    alice = Person(machine, "alice")
    alice.arrive(wheel)
    return alice


@pytest.fixture(scope="module")
def alice(resident: Person) -> Iterator[Person]:
    """With nothing of ccmux but the command."""
    yield resident
    resident.leave_all()
