"""The loopback keeps the contract of a kind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ccmux.gateways.loopback import TEAM, Loopback
from ccmux.gateways.words import Place
from tests.gateways.contract import *  # noqa: F403 - its tests


class Square:
    def __init__(self, rooms: Path) -> None:
        self.transport = Loopback(rooms)
        self.place = Place("square", team=TEAM)
        self._path = rooms / "square.jsonl"
        rooms.mkdir()
        self._path.touch()

    async def say(self, text: str) -> str:
        with self._path.open("a") as file:
            file.write(json.dumps({"who": "anna", "text": text}) + "\n")
        return str(len(self._lines()))

    async def texts(self) -> list[str]:
        return [line["text"] for line in self._lines() if "by" in line and "text" in line]

    def _lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()]


@pytest.fixture
async def counterpart(tmp_path: Path) -> AsyncIterator[Square]:
    made = Square(tmp_path / "rooms")
    yield made
    await made.transport.close()
