"""The gateway's own outbox over a bad net, ended in the midst of it again and again: each post once, in order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from functools import partial
from pathlib import Path

from ccmux.gateways.posting import Patience, Posting
from ccmux.gateways.spool import acts
from ccmux.gateways.spool.acts import Row
from ccmux.gateways.spool.schema import SPOOL
from ccmux.gateways.turns import Bearing
from ccmux.gateways.words import Draft, Place, Priority, Verb
from ccmux.journal.database import Database
from tests.fakes.slack import Fault
from tests.gateways.slack.conftest import World

QUICK = Patience(first=0.01, probes=(0.01, 0.02), credentials=0.1)
ROOMS, POSTS = 4, 25


async def test_each_post_is_said_once_and_in_order(world: World, tmp_path: Path) -> None:
    rooms = [world.slack.channel(f"room-{number}", world.bot, world.ann) for number in range(ROOMS)]
    faults = (
        (Fault("drop", after=True), 0.15),
        (Fault("drop"), 0.05),
        (Fault("status"), 0.05),
        (Fault("limited"), 0.01),
    )
    for fault, chance in faults:
        world.slack.faults.add("chat.postMessage", fault, times=None, chance=chance)
    given_up: list[str] = []
    lives = random.Random(7)  # noqa: S311
    db = Database(tmp_path / "spool.db", schema=SPOOL)
    try:
        for number in range(POSTS):
            for room in rooms:
                draft = Draft(Verb.POST, {"text": str(number)})
                place = Place(room.id, team=world.bot.team.id)
                await db.run(partial(acts.put, draft=draft, place=place, now=time.time(), priority=Priority.FINAL))

        def dead(row: Row, why: str) -> None:
            given_up.append(f"{row.act.id} {why}")

        async with asyncio.timeout(60):
            while await db.read(acts.open_ones):
                posting = Posting(db, world.transport, dead, QUICK, Bearing(post_gap=0.0))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(lives.uniform(0.05, 0.4)):
                        await posting.run()
    finally:
        await db.close()
    assert not given_up
    for room in rooms:
        assert [post.message["text"] for post in world.slack.posts(room)] == [str(n) for n in range(POSTS)]
    assert len(world.slack.calls("chat.postMessage")) > ROOMS * POSTS
