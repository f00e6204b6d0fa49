"""`ccmux.fifo.peer` as the command that the contract tries: RUN-DIRECTORY NAME SPOOL."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ccmux.core.letters import Letter
from ccmux.core.link import Ack, Nack
from ccmux.fifo.peer import Peer, Said


class Spool:
    def __init__(self, path: Path) -> None:
        self.send, self.got = path / "send", path / "got"

    async def waiting(self, limit: int) -> Sequence[Letter]:
        return [Letter(file.name, file.read_text(), "peer") for file in sorted(self.send.iterdir())[:limit]]

    async def taken(self, ack: Ack) -> None:
        (self.send / ack.ack).unlink(missing_ok=True)

    async def refused(self, nack: Nack) -> None:
        sys.stderr.write(f"refused: {nack}\n")

    async def said(self, said: Said) -> None:
        (self.got / f".{said.id}").write_text(json.dumps(msgspec.to_builtins(said)))
        (self.got / f".{said.id}").rename(self.got / said.id)

    async def plain(self, text: str) -> None:
        sys.stderr.write(f"plain: {text}\n")


async def main(run: Path, name: str, spool: Path) -> None:
    peer = Peer(run, name, name, Spool(spool))
    running = asyncio.create_task(peer.run())
    while not running.done():
        await asyncio.sleep(0.2)
        peer.kick()
    running.result()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
