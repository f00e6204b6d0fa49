"""What a channel's peer says on the link: its messages, its acknowledgements, its coming and going."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ccmux.core.link import Ack, Assembly, Bye, Frame, Hello, Malformed, Nack, Part, Whole, line
from ccmux.daemon.hub import Hub
from ccmux.errors import JournalError, Refused
from ccmux.fifo.pipe import PIPE_BUF
from ccmux.journal import links
from ccmux.journal.database import Database
from ccmux.model.ids import ChannelName

if TYPE_CHECKING:
    from ccmux.daemon.intake import Intake

log = logging.getLogger(__name__)


class Links:
    """One for all channels of an instance."""

    def __init__(self, run: Path, db: Database, hub: Hub, intake: Intake, max_bytes: int) -> None:
        self._run = run
        self._db = db
        self._hub = hub
        self._intake = intake
        self._max_bytes = max_bytes
        self._assemblies: dict[ChannelName, Assembly] = {}

    async def heard(self, channel: ChannelName, frame: Frame | Malformed) -> None:
        """One frame. A message is acknowledged after its commit; what cannot be taken is told with the reason."""
        if isinstance(frame, Part):
            whole = self._assemblies.setdefault(channel, Assembly(self._max_bytes)).feed(frame)
            await self._joined(channel)
            if isinstance(whole, Malformed):
                self._refuse(channel, whole.id, whole.why, retry=True)
            elif whole is not None:
                await self._take(channel, whole)
            return
        if isinstance(frame, Malformed):
            self._refuse(channel, frame.id, frame.why, retry=False)
            return
        if isinstance(frame, Bye):
            await self._db.run(partial(links.leave, channel=channel))
            self._hub.linked.discard(channel)
            log.info("the peer of %s has left", channel)
            return
        await self._joined(channel, frame.hello if isinstance(frame, Hello) else "")
        if isinstance(frame, Hello):
            self._hub.tell(channel, line(Hello(1, f"ccmux {PIPE_BUF}")))
        elif isinstance(frame, Ack):
            self._hub.acknowledge(channel, frame.ack)
        elif not frame.retry:
            log.warning("the peer of %s does not take %s: %s", channel, frame.nack, frame.why)
            self._hub.acknowledge(channel, frame.nack)

    async def _joined(self, channel: ChannelName, peer: str = "") -> None:
        if channel in self._hub.linked:
            return
        self._hub.linked.add(channel)
        await self._db.run(partial(links.join, channel=channel, peer=peer, at=time.time()))
        log.info("the peer of %s speaks the link", channel)
        self._hub.kick(channel).set()

    async def _take(self, channel: ChannelName, whole: Whole) -> None:
        first = whole.first
        try:
            await self._intake.take(
                whole.text,
                channel=channel,
                sender=first.sender,
                key=f"link:{channel}:{whole.id}",
                urgent=first.priority == "high",
                expires_at=first.expires,
            )
        except Refused as error:
            self._refuse(channel, whole.id, error.what, retry=len(whole.text) <= self._max_bytes)
        except JournalError as error:
            self._refuse(channel, whole.id, error.what, retry=True)
        else:
            self._hub.tell(channel, line(Ack(1, whole.id)))

    def _refuse(self, channel: ChannelName, name: str, why: str, *, retry: bool) -> None:
        log.warning("not taken from %s: %s", channel, why)
        self._hub.tell(channel, line(Nack(1, name, why[:200], retry)))
