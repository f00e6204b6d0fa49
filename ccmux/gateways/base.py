"""What a kind of gateway must do, and what it may rely on.

A kind that is not ours is named by an entry point of the group `ccmux.gateways`: `kind = module:make`, where
`make(Home) -> Transport` raises CcmuxError when its configuration is not complete. `tests/gateways/contract.py` tries any.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from ccmux.gateways.words import Act, Caps, Draft, Health, Heard, Mark, Out, Place, Press, RemoteFile, Sender


class Room(msgspec.Struct, frozen=True):
    """A conversation that may have gone on while nobody listened."""

    id: str
    cursor: str
    """the order of the last message that was read by reading back; empty: never read, begin at the present"""
    threads: tuple[str, ...] = ()
    """threads of it in which something happened of late"""


class Inlet(Protocol):
    """What the process offers to its transport."""

    async def put(self, heard: Heard) -> bool:
        """Keep it; whether it was new. Returns after the commit: only then may the service be told that we have it.

        Everything is given, also what strangers say: who may be heard is decided here, and what is dropped is written down.
        Raises DiskTrouble when it cannot be kept now: do not acknowledge.
        """

    async def press(self, press: Press) -> str:
        """A button was pressed. What to tell who pressed it, alone; empty when it was done and everybody sees it."""

    async def order(self, text: str, sender: Sender, place: Place) -> str:
        """A command of the service itself (`/ccmux status`); what to tell who gave it, alone."""

    async def rooms(self) -> Sequence[Room]:
        """What to read back after a connection was made, and every few minutes."""

    async def read_back(self, room: str, cursor: str) -> None:
        """Everything in the room up to that order has been `put`."""

    def caught_up(self, room: str) -> None:
        """The room was read back to its end (or cannot be, now): what waits there is handed on."""

    def changed(self) -> None:
        """`health` tells something else now. When it comes to be up, rooms wait until `caught_up`."""


class Transport(Protocol):
    """One account at one service."""

    identity: str
    """what only one process may use at a time, as a name that tells no secret"""
    caps: Caps

    async def run(self, inlet: Inlet) -> None:
        """Connect and hear for ever, over every trouble of the net. Raises Rejected when the credentials are no good.

        Cancelled when the process ends: what was heard and not committed was not acknowledged.
        """

    async def perform(self, act: Act) -> str:
        """Do it once, without trying again by itself; the service's id of what was posted (empty for the rest).

        Raises Undeliverable, NotNow, Unsure or Rejected. A reaction that is there already is done.
        """

    async def find(self, act: Act) -> str | None:
        """Whether a post whose outcome was unknown is there: its id. None: not seen. Raises NotNow when it cannot be told."""

    async def fetch(self, file: RemoteFile, to: Path, most_bytes: int) -> None:
        """Have the file's content. Credentials go to the service's own hosts only. Raises Undeliverable or NotNow."""

    def drafts(self, out: Out) -> tuple[Draft, ...]:
        """What to do to say it: several when it is long. Pure."""

    def mark(self, mark: Mark, before: Mark | None) -> tuple[Draft, ...]:
        """What to do to show how it stands with a message. Pure."""

    def health(self) -> Health:
        """Now, from memory."""

    async def close(self) -> None:
        """Let go of everything, within seconds. Doing it twice is harmless."""
