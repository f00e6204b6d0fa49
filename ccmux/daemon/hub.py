"""What the parts of a daemon tell each other: changes, ended messages, the reading of the moment."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from ccmux.core.activity import Activity
from ccmux.core.explain import Evidence
from ccmux.model.approval import Approval
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.state import InstanceState, Reading

_FRAMES = 10_000
"""Lines for a peer that does not read; of more, the oldest are dropped."""


class Hub:
    """On the loop only."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        """something happened: the driver shall look"""
        self.stopping = asyncio.Event()
        self.adopted = asyncio.Event()
        """the session is there, or was given up: whatever a person asks can be answered"""
        self.looked_at = 0.0
        """monotonic; when the driver had last looked at everything"""
        self.again = False
        """the daemon is to begin anew once it has ended: what it stands on was wiped"""
        self.reading = Reading(InstanceState.STARTING)
        self.since = 0.0
        self.evidence: tuple[Evidence, ...] = ()
        """why the reading is what it is"""
        self._watchers: list[asyncio.Event] = []
        self.facts: dict[str, object] = {}
        """pane, claude and session as `status` shows them"""
        self.paused = ""
        """who paused it; empty: nobody"""
        self.held = ""
        """why nothing is typed for the rest of the day, in words; empty: it may be"""
        self.held_until = 0.0
        """wall clock"""
        self.activity = Activity()
        """what the running turn does"""
        self._words: list[str] = []
        self.tidy = False
        """a prompt that was stopped may stand in the box again"""
        self.orders = 0
        """how many wait for a calm moment"""
        self.approvals: Callable[[], Sequence[Approval]] = tuple
        """what a person is asked now"""
        self.new_channel = asyncio.Event()
        self._looks: list[asyncio.Future[None]] = []
        self._kicks: dict[ChannelName, asyncio.Event] = {}
        self.linked: set[ChannelName] = set()
        """channels whose peer acknowledges what it gets"""
        self.withheld: set[ChannelName] = set()
        """channels whose replies are handed over elsewhere"""
        self._frames: dict[ChannelName, deque[bytes]] = {}
        self._greeted: set[ChannelName] = set()
        self._acked: dict[ChannelName, list[str]] = {}
        self.on_end: Callable[[], None] = lambda: None
        """called when a message has ended"""
        self._ended: dict[MessageId, asyncio.Event] = {}

    def change(self, *_: object) -> None:
        """Something happened somewhere."""
        self.changed.set()

    def told(self, channel: ChannelName | None) -> None:
        """A channel has something to read; None: what waits for a person has changed."""
        if channel is None:
            self.change()
            self.tell_watchers()
        else:
            self.kick(channel).set()

    async def look(self, within: float) -> None:
        """Have the driver look now, and wait until it has; what was known before must do when it takes longer."""
        looked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._looks.append(looked)
        self.change()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await looked

    def looked(self) -> None:
        """The driver has looked at everything."""
        self.looked_at = time.monotonic()
        for look in self._looks:
            if not look.done():
                look.set_result(None)
        self._looks.clear()

    def read(self, reading: Reading, now: float, evidence: tuple[Evidence, ...] = ()) -> None:
        """The state now; `since` moves only when the state does."""
        changed = reading != self.reading or not self.since
        if reading.state != self.reading.state or not self.since:
            self.since = now
        self.reading, self.evidence = reading, evidence
        if changed:
            self.tell_watchers()

    def act(self, activity: Activity) -> None:
        """The running turn does that now."""
        if activity != self.activity:
            self.activity = activity
            self.tell_watchers()

    def say(self, word: str) -> None:
        """A person is to be told that, once."""
        self._words.append(word)
        self.tell_watchers()

    def words(self) -> list[str]:
        """What was said since this was asked last."""
        words, self._words = self._words, []
        return words

    def tell_watchers(self) -> None:
        """What `status` tells has changed."""
        for watcher in self._watchers:
            watcher.set()

    @contextlib.contextmanager
    def watching(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever state or reason change, while the context lasts."""
        watcher = asyncio.Event()
        self._watchers.append(watcher)
        try:
            yield watcher
        finally:
            self._watchers.remove(watcher)

    def kick(self, channel: ChannelName) -> asyncio.Event:
        """The event that tells a channel's outflow that there is something to write."""
        if channel not in self._kicks:
            self._kicks[channel] = asyncio.Event()
            self.new_channel.set()
        return self._kicks[channel]

    def tell(self, channel: ChannelName, line: bytes) -> None:
        """A line of the link for the channel's peer, before any reply; may be lost: then the peer asks again."""
        self._frames.setdefault(channel, deque(maxlen=_FRAMES)).append(line)
        self.kick(channel).set()

    def frames(self, channel: ChannelName) -> deque[bytes]:
        return self._frames.setdefault(channel, deque(maxlen=_FRAMES))

    def greet(self, channel: ChannelName) -> None:
        """A peer (again) began to speak: what the one before had not acknowledged may be lost."""
        self._greeted.add(channel)
        self.kick(channel).set()

    def greeted(self, channel: ChannelName) -> bool:
        """Whether a peer began to speak since this was asked last."""
        known = channel in self._greeted
        self._greeted.discard(channel)
        return known

    def acknowledge(self, channel: ChannelName, reply_id: str) -> None:
        """The peer has a reply."""
        self._acked.setdefault(channel, []).append(reply_id)
        self.kick(channel).set()

    def acknowledged(self, channel: ChannelName) -> list[str]:
        """The replies that the peer has got since this was asked last."""
        return self._acked.pop(channel, [])

    def channels(self) -> list[ChannelName]:
        return list(self._kicks)

    def ended(self, message_id: MessageId) -> asyncio.Event:
        """Set once the message has ended; `forget` it when nobody waits any more."""
        return self._ended.setdefault(message_id, asyncio.Event())

    def end(self, message_id: MessageId) -> None:
        waiting = self._ended.get(message_id)
        if waiting is not None:
            waiting.set()
        self.on_end()

    def forget(self, message_id: MessageId) -> None:
        self._ended.pop(message_id, None)
