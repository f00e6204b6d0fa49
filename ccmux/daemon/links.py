"""What a channel's peer says on the link: its messages, its acknowledgements, its coming and going."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from ccmux.core.link import Ack, Assembly, Bye, Frame, Hello, Malformed, Nack, Part, Whole, line
from ccmux.daemon import attachments
from ccmux.daemon.hub import Hub
from ccmux.errors import JournalError, Refused, UsageError
from ccmux.fifo.pipe import PIPE_BUF
from ccmux.journal import links
from ccmux.journal.database import Database
from ccmux.model.ids import PROJECT_REPORT, ChannelName, MessageId, project_of
from ccmux.model.message import Message

log = logging.getLogger(__name__)


class Links:
    """One for all channels of an instance."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        take: Callable[..., Awaitable[Message]],
        ahead: Callable[[MessageId], int],
        max_bytes: int,
    ) -> None:
        self._db = db
        self._hub = hub
        self._take = take
        self._ahead = ahead
        self._max_bytes = max_bytes
        self._assemblies: dict[ChannelName, Assembly] = {}
        self.report: Callable[..., Awaitable[str]] | None = None
        """of the assistant: takes what came on in.project-report; says why it is no report"""

    async def heard(self, came_on: ChannelName, frame: Frame | Malformed) -> None:
        """One frame. What concerns its peer concerns the channel on which that wants its answers; only projects,
        which share one, may choose it: who may write to one channel has no say in another's.

        A message is acknowledged after its commit; what cannot be taken is told with the reason.
        """
        channel = came_on
        if not isinstance(frame, Malformed) and frame.on:
            if came_on == PROJECT_REPORT and project_of(frame.on, lambda _: True):
                channel = ChannelName(frame.on)
            elif frame.on != came_on:
                name = frame.id if isinstance(frame, Part) else ""
                frame = Malformed(name, f"who writes to {came_on} is not answered on {frame.on}")
        if isinstance(frame, Bye):
            await self._db.insist(partial(links.leave, channel=channel))
            self._hub.linked.discard(channel)
            log.info("the peer of %s has left", channel)
            return
        answer = await self._answer(came_on, channel, frame)
        if not isinstance(frame, Malformed):
            await self._joined(channel, frame.hello if isinstance(frame, Hello) else "")
        if answer is not None:
            self._hub.tell(channel, line(answer))

    async def _answer(
        self, came_on: ChannelName, channel: ChannelName, frame: Part | Ack | Nack | Hello | Malformed
    ) -> Frame | None:
        """What the peer is told. Messages come first to the journal's queue: nothing is awaited before, so order stays."""
        if isinstance(frame, Part):
            whole = self._assemblies.setdefault(channel, Assembly(self._max_bytes)).feed(frame)
            if isinstance(whole, Malformed):
                return self._refused(channel, whole.id, whole.why, retry=True)
            return None if whole is None else await self._taken(came_on, channel, whole)
        if isinstance(frame, Malformed):
            return self._refused(channel, frame.id, frame.why, retry=False)
        if isinstance(frame, Hello):
            self._hub.greet(channel)
            return Hello(1, f"ccmux {PIPE_BUF}")
        if isinstance(frame, Ack):
            self._hub.acknowledge(channel, frame.ack)
        elif not frame.retry:
            log.warning("the peer of %s does not take %s: %s", channel, frame.nack, frame.why)
            self._hub.acknowledge(channel, frame.nack)
        return None

    async def _joined(self, channel: ChannelName, peer: str) -> None:
        """Remember that the channel is linked. In memory at once: no reply is handed over as to a plain reader."""
        if channel in self._hub.linked:
            return
        self._hub.linked.add(channel)
        await self._db.insist(partial(links.join, channel=channel, peer=peer, at=time.time()))
        log.info("the peer of %s speaks the link", channel)
        self._hub.kick(channel).set()

    async def _taken(self, came_on: ChannelName, channel: ChannelName, whole: Whole) -> Frame:
        first = whole.first
        if self.report is not None and came_on == PROJECT_REPORT:
            return await self._reported(channel, whole)
        try:
            message = await self._take(
                whole.text,
                channel=came_on,
                sender=first.sender,
                key=links.key_of(channel, whole.id),
                urgent=first.priority == "high",
                expires_at=first.expires,
                files=attachments.listed(first.files) if first.files else (),
            )
        except UsageError as error:
            return self._refused(channel, whole.id, error.what, retry=False)
        except (Refused, JournalError) as error:
            fits = len(whole.text.encode("utf-8", "surrogatepass")) <= self._max_bytes
            return self._refused(channel, whole.id, error.what, retry=fits)
        return Ack(1, whole.id, self._ahead(message.id), message.id)

    async def _reported(self, channel: ChannelName, whole: Whole) -> Frame:
        """A report is no message to Claude."""
        assert self.report is not None  # noqa: S101 - whoever calls has looked
        try:
            why = await self.report(whole.text, on=channel, key=links.key_of(channel, whole.id))
        except JournalError as error:
            return self._refused(channel, whole.id, error.what, retry=True)
        return self._refused(channel, whole.id, why, retry=False) if why else Ack(1, whole.id)

    def _refused(self, channel: ChannelName, name: str, why: str, *, retry: bool) -> Nack:
        log.warning("not taken from %s: %s", channel, why)
        return Nack(1, name, why[:200], retry)
