"""What is to be said is said once and in order, at a service that does anything, by processes that are killed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from pathlib import Path

import pytest

from ccmux.errors import NotNow, Rejected, Undeliverable, Unsure
from ccmux.gateways.base import Inlet
from ccmux.gateways.posting import Patience, Posting
from ccmux.gateways.spool import acts
from ccmux.gateways.spool.acts import Row
from ccmux.gateways.spool.schema import SPOOL
from ccmux.gateways.turns import Bearing
from ccmux.gateways.words import Act, Caps, Draft, Health, Mark, Out, Place, Priority, RemoteFile, Verb
from ccmux.journal.database import Database

QUICK = Patience(first=0.01, probes=(0.01, 0.02), credentials=0.05)
FAST = Bearing(post_gap=0.0, per_minute=1e6, burst=1e6)


class Weather:
    """A service whose rooms are lists. Each call is drawn to go well or not; what is posted may show late."""

    identity = "weather"
    caps = Caps(edits=True, reactions=True, finds=True)

    def __init__(self, seed: int, faults: float) -> None:
        self._draw = random.Random(seed)  # noqa: S311
        self._faults = faults
        self.posts: list[tuple[str, str, str]] = []
        """(room, act, text)"""
        self.calls: list[str] = []

    async def perform(self, act: Act) -> str:
        await asyncio.sleep(0)
        self.calls.append(act.id)
        fate = self._draw.choice(["refuse", "limit", "before", "after", "hang"]) if self._bad() else "well"
        if fate == "refuse":
            raise NotNow("refused")
        if fate == "limit":
            raise NotNow("slower", after=0.02)
        if fate == "before":
            raise Unsure("the connection broke")
        if fate == "hang":
            await asyncio.sleep(0.05)
        self.posts.append((act.place.room, act.id, str(act.draft.body.get("text", ""))))
        if fate == "after":
            raise Unsure("the connection broke")
        return f"n-{act.id}"

    async def find(self, act: Act) -> str | None:
        await asyncio.sleep(0)
        if self._bad():
            raise NotNow("no history now")
        return f"n-{act.id}" if any(one == act.id for _, one, _ in self.posts) else None

    def _bad(self) -> bool:
        return self._draw.random() < self._faults

    async def run(self, inlet: Inlet) -> None:
        raise NotImplementedError

    async def fetch(self, file: RemoteFile, to: Path, most_bytes: int) -> None:
        raise NotImplementedError

    def drafts(self, out: Out) -> tuple[Draft, ...]:
        raise NotImplementedError

    def mark(self, mark: Mark, before: Mark | None) -> tuple[Draft, ...]:
        raise NotImplementedError

    def health(self) -> Health:
        return Health("up", 0.0)

    async def close(self) -> None:
        return


async def keep(db: Database, draft: Draft, place: Place = Place("r")) -> str:  # noqa: B008 - frozen
    return await db.run(lambda d: acts.put(d, draft, place, time.time(), priority=Priority.FINAL))


async def empty(db: Database) -> bool:
    return not await db.read(acts.open_ones)


async def until_empty(db: Database) -> None:
    async with asyncio.timeout(60):
        while not await empty(db):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", range(6))
async def test_every_post_is_made_once_and_in_order_over_faults_and_kills(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    world = Weather(seed, faults=0.35)
    db = Database(tmp_path / "spool.db", schema=SPOOL)
    wanted: dict[tuple[str, str], list[str]] = {}
    for number in range(120):
        room, thread = f"r{draw.randrange(3)}", draw.choice(["", "t1"])
        place = Place(room, thread)
        act = await keep(db, Draft(Verb.POST, {"text": str(number)}), place)
        wanted.setdefault((room, thread), []).append(act)
    given_up: list[Row] = []
    for _ in range(15):  # each life ends in the midst of something
        posting = Posting(db, world, lambda row, _why: given_up.append(row), QUICK, FAST)
        life = asyncio.create_task(posting.run())
        await asyncio.sleep(draw.uniform(0.0, 0.06))
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life
    posting = Posting(db, world, lambda row, _why: given_up.append(row), QUICK, FAST)
    life = asyncio.create_task(posting.run())
    await until_empty(db)
    life.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await life
    await db.close()
    made = [act for _, act, _ in world.posts]
    assert len(made) == len(set(made)) == 120
    assert given_up == []
    for conversation in wanted.values():
        assert [act for act in made if act in set(conversation)] == conversation


async def test_what_the_service_will_never_take_waits_for_a_person_and_the_rest_goes_on(tmp_path: Path) -> None:
    class Picky(Weather):
        async def perform(self, act: Act) -> str:
            if act.draft.body.get("text") == "bad":
                raise Undeliverable("no such room", fix="invite the app")
            if act.draft.body.get("text") == "fancy":
                raise Undeliverable("invalid blocks", plain=True)
            return await super().perform(act)

    world = Picky(1, faults=0.0)
    db = Database(tmp_path / "spool.db", schema=SPOOL)
    for text, plain in (("bad", {}), ("fancy", {"text": "plain"}), ("good", {})):
        draft = Draft(Verb.POST, {"text": text}, plain)
        await keep(db, draft)
    posting = Posting(db, world, lambda _row, _why: None, QUICK, FAST)
    life = asyncio.create_task(posting.run())
    await until_empty(db)
    assert [text for _, _, text in world.posts] == ["plain", "good"]
    (dead,) = await db.read(acts.dead)
    assert "no such room" in dead.reason
    assert await db.run(lambda d: acts.retry(d, dead.act.id, time.time()))
    posting.kick()
    await until_empty(db)
    assert len(await db.read(acts.dead)) == 1
    life.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await life
    await db.close()


async def test_refused_credentials_hold_everything_back_and_lose_nothing(tmp_path: Path) -> None:
    class Locked(Weather):
        shut = True

        async def perform(self, act: Act) -> str:
            if self.shut:
                self.calls.append(act.id)
                raise Rejected("token_revoked")
            return await super().perform(act)

    world = Locked(1, faults=0.0)
    db = Database(tmp_path / "spool.db", schema=SPOOL)
    for number in range(5):
        draft = Draft(Verb.POST, {"text": str(number)})
        await keep(db, draft)
    posting = Posting(db, world, lambda _row, _why: None, QUICK, FAST)
    life = asyncio.create_task(posting.run())
    async with asyncio.timeout(30):
        while not world.calls:
            await asyncio.sleep(0.01)
    world.shut = False
    await until_empty(db)
    assert [text for _, _, text in world.posts] == ["0", "1", "2", "3", "4"]
    life.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await life
    await db.close()


async def test_an_edit_waits_for_what_it_edits_and_goes_with_it(tmp_path: Path) -> None:
    world = Weather(1, faults=0.0)
    db = Database(tmp_path / "spool.db", schema=SPOOL)
    now = time.time()
    first = await db.run(
        lambda d: acts.put(d, Draft(Verb.POST, {"text": "p"}), Place("r"), now, priority=Priority.PROGRESS)
    )
    await db.run(
        lambda d: acts.put(
            d, Draft(Verb.EDIT, {"text": "q"}), Place("r"), now, priority=Priority.APPROVAL, target=acts.OF_ACT + first
        )
    )
    never = await db.run(
        lambda d: acts.put(
            d, Draft(Verb.POST, {"text": "late"}), Place("r"), now, priority=Priority.PROGRESS, expires_at=now - 1
        )
    )
    await db.run(
        lambda d: acts.put(d, Draft(Verb.DELETE), Place("r"), now, priority=Priority.NOTICE, target=acts.OF_ACT + never)
    )
    posting = Posting(db, world, lambda _row, _why: None, QUICK, FAST)
    life = asyncio.create_task(posting.run())
    await until_empty(db)
    assert [text for _, _, text in world.posts] == ["p", "q"]
    life.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await life
    await db.close()


class Faulty(Weather):
    """A transport with a fault in it."""

    async def perform(self, act: Act) -> str:
        if act.draft.body.get("text") == "poison":
            self.calls.append(act.id)
            raise KeyError("ts")
        return await super().perform(act)


async def test_a_fault_of_a_transport_holds_up_no_other_room(tmp_path: Path) -> None:
    db = Database(tmp_path / "spool.db", schema=SPOOL)
    service = Faulty(1, 0.0)
    await keep(db, Draft(Verb.POST, {"text": "poison"}))
    await keep(db, Draft(Verb.REACT, {"text": "poison"}), Place("q"))
    running = asyncio.create_task(Posting(db, service, lambda _row, _why: None, QUICK, FAST).run())
    async with asyncio.timeout(20):
        while len(service.calls) < 4 and not running.done():
            await asyncio.sleep(0.01)
        good = await keep(db, Draft(Verb.POST, {"text": "good"}), Place("s"))
        while not running.done() and not any(act == good for _, act, _ in service.posts):
            await asyncio.sleep(0.05)
    assert not running.done()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await db.close()
