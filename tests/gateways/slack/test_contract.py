"""Slack keeps the contract of a kind."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ccmux.gateways.slack.transport import Slack
from ccmux.gateways.words import Place
from tests.gateways.contract import *  # noqa: F403 - its tests
from tests.gateways.slack.conftest import World


@dataclass
class Workspace:
    world: World
    transport: Slack
    place: Place

    async def say(self, text: str) -> str:
        return self.world.ann.post(self.world.room, text).ts

    async def texts(self) -> list[str]:
        ours = [one.data for one in self.world.slack.messages(self.world.room) if one.data.get("bot_id")]
        return [str(one) for one in ours]


@pytest.fixture
async def counterpart(world: World) -> Workspace:
    return Workspace(world, world.transport, Place(world.room.id, team=world.bot.team.id))
