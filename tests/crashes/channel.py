"""A peer of the link and the daemon's side of it over two FIFOs, in one thread, with a kill at any place of either.

Both sides are built of `ccmux.core.link` and `ccmux.core.wire` and do what `docs/example-channel`, `ccmux.daemon.links` and
`ccmux.daemon.outflow` do, in that order. What is on disk survives; what is in memory does not; what is in a FIFO dies with
the last process that has it open.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ccmux.core.link import Ack, Assembly, Hello, Malformed, Outstanding, Part, Whole, line
from ccmux.core.wire import out_lines, parse_line
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.message import Reply

PEER, DAEMON, BOTH = "peer", "daemon", "both"
ROUNDS = 150
_LIMIT = 125
"""Bytes of a line, so that a few words need several."""
_PIECE = 6
"""Characters in a part of the peer's."""
MUTANTS = (
    "acknowledges before the commit",
    "takes without a key",
    "forgets what it has sent",
    "acknowledges a reply before it is kept",
    "marks a reply when it is written",
    "keeps a reply once more",
    "sends the next message before the last is acknowledged",
)
"""Seeded bugs; the last is one of the peer's alone."""


class Killed(Exception):
    """kill -9 of the process that runs."""


class Wrong(AssertionError):
    """Lost, doubled or out of order."""


@dataclass
class Pipe:
    """A FIFO. A write needs a reader; when nobody has it open, what is in it is gone."""

    lines: deque[bytes] = field(default_factory=deque)
    reader: bool = False
    writer: bool = False

    def write(self, data: bytes) -> bool:
        if self.reader:
            self.lines.append(data)
        return self.reader

    def leave(self, *, reader: bool) -> None:
        if reader:
            self.reader = False
        else:
            self.writer = False
        if not (self.reader or self.writer):
            self.lines.clear()


@dataclass
class Peer:
    """Memory of one life of the peer."""

    assembly: Assembly = field(default_factory=lambda: Assembly(10_000))
    outstanding: Outstanding = field(default_factory=Outstanding)
    greeted: bool = False


@dataclass
class Daemon:
    """Memory of one life of the daemon."""

    assembly: Assembly = field(default_factory=lambda: Assembly(10_000))
    outstanding: Outstanding = field(default_factory=Outstanding)
    read: deque[bytes] = field(default_factory=deque)
    frames: deque[bytes] = field(default_factory=deque)
    acked: list[str] = field(default_factory=list)
    greeted: bool = False


@dataclass
class Disk:
    """What survives everything."""

    to_send: dict[str, tuple[str, str]] = field(default_factory=dict)
    """the peer's: id -> (sender, text), until acknowledged"""
    got: list[tuple[str, str]] = field(default_factory=list)
    """the peer's: (reply id, text)"""
    inbox: list[tuple[str, str, str]] = field(default_factory=list)
    """the journal's: (source key, sender, text)"""
    outbox: list[Reply] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)


@dataclass
class Channel:
    """The two, their pipes and disks, and the kills that are still to come."""

    kills: list[tuple[str, int]] = field(default_factory=list)
    mutant: str = ""
    places: list[list[str]] = field(default_factory=lambda: [[]])
    disk: Disk = field(default_factory=Disk)
    into: Pipe = field(default_factory=Pipe)
    out: Pipe = field(default_factory=Pipe)
    peer: Peer | None = None
    daemon: Daemon | None = None
    now: float = 0.0
    runs: str = ""
    """who runs now"""

    # kills

    def place(self, label: str) -> None:
        passed = self.places[-1]
        passed.append(label)
        if self.kills and len(passed) == self.kills[0][1] + 1:
            whom, _ = self.kills.pop(0)
            self.places.append([])
            self._kill(whom)
            if whom in (self.runs, BOTH):
                raise Killed

    def _kill(self, whom: str) -> None:
        if whom in (PEER, BOTH):
            self.peer = None
            self.into.leave(reader=False)
            self.out.leave(reader=True)
        if whom in (DAEMON, BOTH):
            self.daemon = None
            self.into.leave(reader=True)
            self.out.leave(reader=False)

    def step(self) -> None:
        """Each runs once; a dead one is started."""
        for name, life in ((PEER, self.peer_lives), (DAEMON, self.daemon_lives)):
            self.runs = name
            try:
                life()
            except Killed:
                continue
        self.now += 1.0

    # the peer

    def peer_lives(self) -> None:
        self.peer = peer = self.peer or Peer()
        self.out.reader = True
        for data in self._taken(self.out):
            self._heard_by_peer(peer, data)
        if not peer.greeted:
            peer.greeted = self._say(line(Hello(1, "peer")))
        busy: set[str] = set()
        for name, (sender, text) in list(self.disk.to_send.items()):
            if sender in busy:
                continue  # one at a time, so that the order of a sender is sure
            if self.mutant != "sends the next message before the last is acknowledged":
                busy.add(sender)
            if peer.outstanding.due(name, self.now):
                self._send(peer, name, sender, text)

    def _send(self, peer: Peer, name: str, sender: str, text: str) -> None:
        pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
        for number, piece in enumerate(pieces, 1):
            self.place("peer:part:before")
            if not self._say(line(Part(1, name, number, len(pieces), piece, sender=sender))):
                return
            self.place("peer:part:after")
        peer.outstanding.sent(name, self.now)
        if self.mutant == "forgets what it has sent":
            self.disk.to_send.pop(name, None)

    def _say(self, data: bytes) -> bool:
        """Open, write, close, as `docs/example-channel` does."""
        self.into.writer = True
        written = self.into.write(data)
        self.into.leave(reader=False)
        return written

    def _heard_by_peer(self, peer: Peer, data: bytes) -> None:
        frame = parse_line(data.rstrip(b"\n"))
        if isinstance(frame, Ack):
            self.place("peer:settled:before")
            self.disk.to_send.pop(frame.ack, None)
            self.place("peer:settled:after")
        elif isinstance(frame, Part):
            whole = peer.assembly.feed(frame)
            if isinstance(whole, Whole):
                self._keep(whole)

    def _keep(self, whole: Whole) -> None:
        if self.mutant == "acknowledges a reply before it is kept":
            self._say(line(Ack(1, whole.id)))
        self.place("peer:kept:before")
        if whole.id not in dict(self.disk.got) or self.mutant == "keeps a reply once more":
            self.disk.got.append((whole.id, whole.text))
        self.place("peer:kept:after")
        self._say(line(Ack(1, whole.id)))
        self.place("peer:acked:after")

    # the daemon

    def daemon_lives(self) -> None:
        self.daemon = daemon = self.daemon or Daemon()
        self.into.reader = True
        daemon.read.extend(self._taken(self.into))
        self.place("daemon:read:after")
        while daemon.read:
            self._heard_by_daemon(daemon, daemon.read.popleft())
        self._answer_one()
        self._flow(daemon)

    @staticmethod
    def _taken(pipe: Pipe) -> Iterator[bytes]:
        while pipe.lines:
            yield pipe.lines.popleft()

    def _heard_by_daemon(self, daemon: Daemon, data: bytes) -> None:
        frame = parse_line(data.rstrip(b"\n"))
        if isinstance(frame, Hello):
            daemon.greeted = True
        elif isinstance(frame, Ack):
            daemon.acked.append(frame.ack)
        elif isinstance(frame, Part):
            whole = daemon.assembly.feed(frame)
            if isinstance(whole, Malformed):
                return  # it is begun anew by its sender
            if whole is not None:
                self._take(daemon, whole)

    def _take(self, daemon: Daemon, whole: Whole) -> None:
        key = f"link:x:{whole.id}"
        if self.mutant == "acknowledges before the commit":
            self.out.write(line(Ack(1, whole.id)))
        self.place("daemon:put:before")
        if key not in [known for known, _, _ in self.disk.inbox] or self.mutant == "takes without a key":
            self.disk.inbox.append((key, whole.first.sender, whole.text))
        self.place("daemon:put:after")
        daemon.frames.append(line(Ack(1, whole.id)))
        self.place("daemon:told:after")

    def _answer_one(self) -> None:
        """Claude has answered the oldest message: its end and its reply are one transaction."""
        number = len(self.disk.outbox)
        if number < len(self.disk.inbox):
            key, _, text = self.disk.inbox[number]
            self.place("daemon:answered:before")
            name = MessageId(f"r-{number}")
            self.disk.outbox.append(Reply(name, MessageId(key), ChannelName("x"), f"you wrote: {text}"))
            self.place("daemon:answered:after")

    def _flow(self, daemon: Daemon) -> None:
        """As `Outflow._linked`."""
        while daemon.acked:
            name = daemon.acked.pop(0)
            daemon.outstanding.settled(name)
            self._delivered(name)
        if daemon.greeted or not (self.out.reader and self.out.writer):
            daemon.greeted = False
            daemon.outstanding.reader_changed()
        if not self.out.reader:
            self.out.leave(reader=False)
            return
        self.out.writer = True
        while daemon.frames:
            self.place("daemon:frame:before")
            if not self.out.write(daemon.frames[0]):
                return
            daemon.frames.popleft()
            self.place("daemon:frame:after")
        for reply in [one for one in self.disk.outbox if one.id not in self.disk.delivered]:
            if daemon.outstanding.due(reply.id, self.now):
                self._write(daemon, reply)

    def _write(self, daemon: Daemon, reply: Reply) -> None:
        for data in out_lines(reply, _LIMIT):
            self.place("daemon:reply:before")
            if not self.out.write(data):
                daemon.outstanding.reader_changed()
                return
            self.place("daemon:reply:after")
        daemon.outstanding.sent(reply.id, self.now)
        if self.mutant == "marks a reply when it is written":
            self._delivered(reply.id)

    def _delivered(self, name: str) -> None:
        self.place("daemon:delivered:before")
        self.disk.delivered.add(name)
        self.place("daemon:delivered:after")

    # the truth

    @property
    def quiet(self) -> bool:
        told = len(self.disk.delivered) == len(self.disk.outbox) == len(self.disk.inbox)
        return not self.disk.to_send and told and not self.into.lines and not self.out.lines


MESSAGES = {
    "a-1": ("anna", "first of anna"),
    "b-1": ("bert", "one"),
    "a-2": ("anna", "short"),
    "b-2": ("bert", "second of bert"),
}


def play(kills: list[tuple[str, int]] | None = None, mutant: str = "") -> Channel:
    """The four messages and their replies, with these kills, to the end. Raises Wrong."""
    channel = Channel(list(kills or []), mutant)
    channel.disk.to_send = dict(MESSAGES)
    for _ in range(ROUNDS):
        channel.step()
        if channel.quiet:
            break
    check(channel)
    return channel


def check(channel: Channel) -> None:
    """Nothing lost, nothing twice, in the order of each sender."""
    for sender in ("anna", "bert"):
        wanted = [text for one, text in MESSAGES.values() if one == sender]
        found = [text for _, one, text in channel.disk.inbox if one == sender]
        if found != wanted:
            raise Wrong(f"{sender} sent {wanted}, committed are {found}")
    replies = [(reply.id, reply.text) for reply in channel.disk.outbox]
    if channel.disk.got != replies:
        raise Wrong(f"answered was {replies}, the peer has {channel.disk.got}")
    if not channel.quiet:
        raise Wrong(f"it never becomes quiet: {channel.disk}")
