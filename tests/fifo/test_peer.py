"""Our end of the link, while nobody reads and while somebody writes nonsense."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from ccmux.core.letters import Letter
from ccmux.core.link import Ack, Nack
from ccmux.fifo.peer import Peer, Said


class Shelf:
    """A store in memory."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.got: list[Said] = []
        self.asked = 0

    async def waiting(self, limit: int) -> Sequence[Letter]:
        self.asked += 1
        return self.letters[:limit]

    async def taken(self, ack: Ack) -> None:
        self.letters = [one for one in self.letters if one.id != ack.ack]

    async def refused(self, _nack: Nack) -> None:
        return

    async def said(self, said: Said) -> None:
        self.got.append(said)

    async def plain(self, _text: str) -> None:
        return


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_who_finds_no_reader_for_long_greets_once(tmp_path: Path) -> None:
    async def main() -> bytes:
        shelf = Shelf()
        peer = Peer(tmp_path, "mail", "me", shelf)
        running = asyncio.create_task(peer.run())
        for tries in range(1, 30):
            peer.kick()
            await until(lambda tries=tries: shelf.asked >= tries)  # type: ignore[misc]
        reader = os.open(tmp_path / "in.mail", os.O_RDONLY | os.O_NONBLOCK)
        read = bytearray()

        def some() -> bool:
            with suppress(BlockingIOError):
                read.extend(os.read(reader, 65536))
            return bool(read)

        peer.kick()
        await until(some)
        asked = shelf.asked
        peer.kick()
        await until(lambda: shelf.asked > asked)
        some()
        await ended(running)
        os.close(reader)
        return bytes(read)

    assert asyncio.run(main()).count(b"hello") == 1


@pytest.mark.parametrize("more", ['"to":5', '"files":["x"]', '"error":null', '"sender":{}'])
def test_a_line_that_is_not_right_ends_nothing(tmp_path: Path, more: str) -> None:
    async def main() -> list[str]:
        shelf = Shelf()
        running = asyncio.create_task(Peer(tmp_path, "mail", "me", shelf).run())
        await until((tmp_path / "out.mail").exists)
        writer = os.open(tmp_path / "out.mail", os.O_RDWR | os.O_NONBLOCK)
        os.write(writer, b'{"v":1,"id":"r1","part":1,"parts":1,"text":"bad",%s}\n' % more.encode())
        os.write(writer, b'{"v":1,"id":"r2","part":1,"parts":1,"text":"good"}\n')
        await until(lambda: bool(shelf.got) or running.done())
        os.close(writer)
        await ended(running)
        return [one.text for one in shelf.got]

    assert asyncio.run(main()) == ["good"]


def test_what_waits_no_more_keeps_nobody_awake(tmp_path: Path) -> None:
    async def main() -> int:
        shelf = Shelf()
        shelf.letters = [Letter("a", "x")]
        os.mkfifo(tmp_path / "in.mail")
        reader = os.open(tmp_path / "in.mail", os.O_RDONLY | os.O_NONBLOCK)
        peer = Peer(tmp_path, "mail", "me", shelf)
        running = asyncio.create_task(peer.run())
        await until(lambda: shelf.asked > 0)
        shelf.letters.clear()
        peer.kick()
        await until(lambda: shelf.asked > 1)
        await asyncio.sleep(2.2)  # the letter would be due again by now
        before = shelf.asked
        await asyncio.sleep(1.0)
        await ended(running)
        os.close(reader)
        return shelf.asked - before

    assert asyncio.run(main()) <= 2
