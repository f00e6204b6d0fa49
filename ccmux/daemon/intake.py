"""What comes in: every `in.*` FIFO and the control socket, into the journal, then to the driver.

FIFOs appear and vanish while the daemon runs. A regular file `in.x`, which is what `echo > in.x` makes where no FIFO is,
is read as if it had been one and replaced by a FIFO.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccmux.core.commanded import Commanded, commanded
from ccmux.core.directive import directive_of, from_object
from ccmux.core.link import Malformed
from ccmux.core.sanitise import sanitise
from ccmux.core.wire import Incoming, Unreadable, parse_line
from ccmux.daemon import attachments
from ccmux.daemon.driver import Driver
from ccmux.daemon.hub import Hub
from ccmux.daemon.links import Links
from ccmux.errors import CcmuxError, JournalError, Refused, UsageError
from ccmux.fifo import pipe
from ccmux.fifo.reader import Reader
from ccmux.journal import inbox, outbox
from ccmux.journal.database import Database
from ccmux.model.directive import Directive, Priority
from ccmux.model.ids import BOSS, LOCAL, PROJECT_REPORT, ChannelName, MessageId, channel_name, new_message_id
from ccmux.model.message import Attachment, Message, MessageState, Reply

log = logging.getLogger(__name__)

_RESCAN = 30.0
"""Seconds after which the directory is looked at even untold."""
_AGAIN = 1.0
"""Seconds, when something could not be looked at or opened."""
_TAKEN = ".taken-"
_SETTLED = 1.0
"""Seconds without a write after which a file in place of a FIFO is taken: its writer may only have opened it yet."""
_KEPT = 60.0
"""Seconds without a write after which a taken file is deleted; what is written until then is taken, too."""
_MOST_LINES = 1000
"""Line breaks of a message that is typed: Claude draws its box anew for every few of them."""
_WAITING_LINES = 2000
"""Lines read and not yet journalled, above which the FIFOs are left alone for a while: their writers then wait."""


class Intake:
    """Owns the readers of the `in.*` FIFOs of one instance."""

    def __init__(self, run: Path, db: Database, driver: Driver, hub: Hub) -> None:
        self._run = run
        self._db = db
        self._driver = driver
        self._hub = hub
        self._limits = driver.spec.delivery
        self._links = Links(db, hub, self.from_peer, driver.ahead, self._limits.max_message_bytes)
        self._readers: dict[ChannelName, Reader] = {}
        self._lines: asyncio.Queue[tuple[ChannelName, bytes]] = asyncio.Queue()
        self._scan = asyncio.Event()
        self.commands: Callable[[Commanded, str], Awaitable[str]] | None = None
        """carries out what is ordered over a channel"""
        self.report: Callable[..., Awaitable[str]] | None = None
        """of the assistant: takes a report that was written by hand; says why it is none"""
        self._carrying: set[asyncio.Task[None]] = set()
        self.open = asyncio.Event()
        """every FIFO that is there is being read"""
        self.owner = pwd.getpwuid(os.getuid()).pw_name

    @property
    def _bounds(self) -> inbox.Limits:
        limits = self._limits
        return inbox.Limits(limits.max_waiting, limits.max_waiting_bytes, limits.max_waiting_per_sender)

    # from the person of this account

    async def take(
        self,
        text: str,
        *,
        channel: ChannelName = LOCAL,
        sender: str = "",
        key: str | None = None,
        files: tuple[str, ...] = (),
        urgent: bool = False,
        expires_at: float = 0.0,
        insist: bool = False,
    ) -> Message:
        """Journal a message and hand it to the driver; returns once it is committed. Raises Refused when it is not.

        `files` are absolute paths that this user can read; they are copied first. The same `key` gives the same message.
        A disk that does not take it raises DiskTrouble, or is waited for (`insist`, where nobody can be told).
        """
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > self._limits.max_message_bytes:
            limit = self._limits.max_message_bytes
            raise Refused(f"the message has {size} bytes, at most {limit} are taken (delivery.max_message_bytes)")
        text = text.encode("utf-8", "replace").decode()
        plain = Message(
            new_message_id(),
            channel,
            sender or self.owner,
            text,
            time.time(),
            urgent=urgent,
            expires_at=expires_at,
        )
        journal = self._db.insist if insist else self._db.run
        message = await journal(lambda db: self._put(db, plain, key, files))
        if message.id == plain.id:
            await self._driver.arrived(message)
        return message

    async def from_peer(
        self,
        text: str,
        *,
        channel: ChannelName,
        sender: str,
        key: str,
        urgent: bool,
        expires_at: float,
        files: tuple[str, ...] = (),
    ) -> Message:
        """What a peer of the link sent: a message, or an order of somebody who may."""
        order = commanded(text) if f"{channel}:{sender}" in self._driver.spec.approvals.operators else None
        if order is not None:
            return await self._commanded(order, text, channel, sender, key)
        return await self.take(
            text, channel=channel, sender=sender, key=key, urgent=urgent, expires_at=expires_at, files=files
        )

    async def _commanded(
        self, order: Commanded, text: str, channel: ChannelName, sender: str, key: str | None
    ) -> Message:
        """Journal an order as done, then carry it out, once for a `key`; its outcome is told on the channel."""
        order_as = Message(new_message_id(), channel, sender, text, time.time(), state=MessageState.DONE)
        kept = await self._db.insist(lambda db: inbox.put(db, order_as, source_key=key))
        if kept == order_as.id and self.commands is not None:
            task = asyncio.create_task(self._carry_out(order, order_as), name=f"order {order.verb}")
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)
        return order_as

    async def _carry_out(self, order: Commanded, message: Message) -> None:
        """Not in the way of other lines: an order may wait for a calm moment."""
        assert self.commands is not None  # noqa: S101 - whoever calls has looked
        said = await self.commands(order, f"{message.sender} on {message.channel}")
        reply = Reply(new_message_id(), message.id, message.channel, said, about=order.verb)
        await self._db.insist(lambda db: outbox.put(db, reply, time.time()))
        self._hub.kick(message.channel).set()

    def _put(self, db: sqlite3.Connection, plain: Message, key: str | None, files: tuple[str, ...]) -> Message:
        """In the journal's thread, so that the order stays: first the files, then the row that names them."""
        known = inbox.known_by(db, key)
        if known is not None:
            return inbox.get(db, known) or plain
        found: list[Attachment] = []
        directory = self._driver.session.paths.inbox
        with attachments.kept(found):
            clean = sanitise(plain.text)
            if len(clean.encode()) > self._limits.max_typed_bytes or clean.count("\n") > _MOST_LINES:
                found.append(attachments.write_text(directory, plain.id, clean))
            if files:
                found += attachments.take(directory, plain.id, files, self._limits.max_file_bytes)
            message = replace(plain, attachments=tuple(found)) if found else plain
            inbox.put(db, message, source_key=key, limits=self._bounds)
        return message

    async def _refuse(self, channel: ChannelName, text: str, reason: str, key: str | None = None) -> None:
        """A message that cannot be taken from a FIFO: kept as rejected, and its channel is told; once for a `key`."""
        now = time.time()
        message = Message(new_message_id(), channel, self.owner, text, now, state=MessageState.REJECTED, reason=reason)
        reply = Reply(new_message_id(), message.id, channel, "", reason)

        def work(db: sqlite3.Connection) -> bool:
            fresh = inbox.put(db, message, source_key=key) == message.id
            if fresh:
                outbox.put(db, reply, now)
            return fresh

        if await self._db.insist(work):
            log.warning("rejected a message on %s: %s", channel, reason)
            self._hub.kick(channel).set()

    async def direct(self, text: str, *, sender: str = "", key: str | None = None) -> None:
        """A directive, plain or as an object: a message on `boss`. What is none is kept as rejected.

        With a `key` its giver holds it until it is taken: Refused is raised while there is no room.
        """
        found = directive_of(text)
        if isinstance(found, str):
            await self._refuse(BOSS, text, f"not a directive: {found}", key)
            return
        try:
            await self._take_directive(found, sender=sender, key=key, insist=key is None)
        except Refused as error:
            if key is not None and len(found.content.encode("utf-8", "replace")) <= self._limits.max_message_bytes:
                raise
            await self._refuse(BOSS, text, error.what, key)

    async def direct_by_hand(self, given: dict[str, Any], sender: str) -> MessageId:
        """A directive of the person of this account; its id, after the commit. Raises UsageError for what is none."""
        found = from_object(given)
        if isinstance(found, str):
            raise UsageError(f"not a directive: {found}")
        return (await self._take_directive(found, sender=sender, key=None, insist=False)).id

    async def _take_directive(self, found: Directive, *, sender: str, key: str | None, insist: bool) -> Message:
        words = f"{found.content}\n(deadline: {found.deadline})" if found.deadline else found.content
        return await self.take(
            words,
            channel=BOSS,
            sender=sender,
            key=key,
            urgent=found.priority is Priority.HIGH,
            expires_at=found.expires_at,
            insist=insist,
        )

    async def _reported(self, line: bytes, key: str | None) -> None:
        """A report that somebody wrote by hand. What is none is kept as rejected, with the reason."""
        assert self.report is not None  # noqa: S101 - whoever calls has looked
        text = line.decode()
        while True:
            try:
                why = await self.report(text, on=None, key=key)
            except JournalError:
                await asyncio.sleep(_AGAIN)  # nobody can be told
                continue
            break
        if why:
            await self._refuse(PROJECT_REPORT, text, f"not a report: {why}", key)

    # from FIFOs

    def descriptors(self) -> dict[str, int]:
        """The open end of each FIFO, by the FIFO's name."""
        return {reader.path.name: reader.fd for reader in self._readers.values() if reader.fd >= 0}

    def take_reports(self, take: Callable[..., Awaitable[str]]) -> None:
        """Have what comes on in.project-report taken there."""
        self.report = self._links.report = take

    def rescan(self) -> None:
        """Something changed in the run directory."""
        self._scan.set()

    async def watch_fifos(self) -> None:
        """Keep a reader on every `in.*` FIFO, for ever."""
        try:
            while True:
                self._scan.clear()
                pause = _RESCAN
                try:
                    await self._look()
                except OSError as error:  # no file descriptor is left, say
                    log.error("%s cannot be looked at: %s", self._run, error)  # noqa: TRY400 - the sentence says it all
                    pause = _AGAIN
                else:
                    self.open.set()
                if any(reader.deaf for reader in self._readers.values()):
                    pause = _AGAIN
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._scan.wait()
        finally:
            for reader in self._readers.values():
                reader.close()

    async def pump(self) -> None:
        """Journal what was read, in order, for ever. All that waits is committed together."""
        while True:
            batch = [await self._lines.get()]
            while not self._lines.empty() and len(batch) < _WAITING_LINES:
                batch.append(self._lines.get_nowait())
            await asyncio.gather(*(self._line(channel, line) for channel, line in batch))
            if self._lines.empty():
                for reader in self._readers.values():
                    reader.resume()

    async def _look(self) -> None:
        if not self._run.is_dir():
            self._hub.change()  # the driver sees to it
            return
        found: dict[ChannelName, Path] = {}
        for path in sorted(self._run.glob("in.*")):
            channel = channel_name(path.name.removeprefix("in."))
            if channel is None:
                continue
            try:
                if not pipe.is_fifo(path):
                    self._replace_file(path)
                await self._take_files(channel)
                if not pipe.is_fifo(path):
                    continue
                pipe.make(self._run / f"out.{channel}")
                found[channel] = path
            except (CcmuxError, OSError) as error:
                log.error("%s is left alone: %s", path, error)  # noqa: TRY400 - the sentence says it all
        for channel in [known for known in self._readers if known not in found]:
            self._readers.pop(channel).close()
        for channel, path in found.items():
            try:
                self._read(channel, path)
            except (CcmuxError, OSError) as error:
                log.error("%s is left alone: %s", path, error)  # noqa: TRY400 - the sentence says it all

    def _read(self, channel: ChannelName, path: Path) -> None:
        """Have a reader on the FIFO that stands there now."""
        known = self._readers.get(channel)
        if known is not None and (known.deaf or known.identity != path.lstat().st_ino):
            self._readers.pop(channel).close()
            known = None
        if known is None:
            self._readers[channel] = self._reader(channel, path)

    def _reader(self, channel: ChannelName, path: Path) -> Reader:
        def on_line(line: bytes) -> None:
            self._lines.put_nowait((channel, line))
            if self._lines.qsize() > _WAITING_LINES:
                self._readers[channel].pause()

        return Reader(path, on_line, self._limits.max_message_bytes)

    def _replace_file(self, path: Path) -> None:
        """A regular file stands where the FIFO should: set it aside to be taken, and make the FIFO."""
        if path.is_symlink() or not path.is_file():
            raise CcmuxError(f"{path} is neither a FIFO nor a file", fix=f"look at it, then remove it: rm {path}")
        if not self._settled(path, _SETTLED):
            return
        path.rename(path.with_name(f"{_TAKEN}{path.name}+{time.time_ns()}"))
        pipe.make(path)
        log.info("%s was a file: its lines are taken and it is a FIFO again", path)

    def _settled(self, path: Path, seconds: float, since: float = 0.0) -> bool:
        """Whether nobody has written to the file for so long, nor since; if not, look again when that may be so."""
        left = max(path.stat().st_mtime, since) + seconds - time.time()
        if 0 < left <= seconds:  # a time in the future is no reason to wait
            asyncio.get_running_loop().call_later(left + 0.01, self.rescan)
            return False
        return True

    async def _take_files(self, channel: ChannelName) -> None:
        """Journal the lines of files that stood in place of a FIFO; once each, also after a crash in the midst.

        A last line without its LF is taken as it is, and again, whole, should its writer go on with it.
        """
        for taken in sorted(self._run.glob(f"{_TAKEN}in.{channel}+*")):
            done = self._settled(taken, _KEPT, since=int(taken.name.rpartition("+")[2]) / 1e9)
            *lines, rest = taken.read_bytes().split(b"\n")
            for number, line in enumerate(lines):
                await self._line(channel, line, key=f"{taken.name}:{number}")
            await self._line(channel, rest, key=f"{taken.name}:{len(lines)}:{len(rest)}")
            if done:
                taken.unlink()

    async def _line(self, channel: ChannelName, line: bytes, key: str | None = None) -> None:
        if len(line) > self._limits.max_message_bytes:
            limit = self._limits.max_message_bytes
            await self._refuse(channel, line[:200].decode("utf-8", "replace"), f"longer than {limit} bytes", key)
            return
        match parse_line(line):
            case Incoming(text, plain):
                try:
                    order = commanded(text) if plain and channel not in self._hub.linked else None
                    if channel == PROJECT_REPORT and self.report is not None:
                        await self._reported(line, key)
                        return
                    if order is not None:
                        await self._commanded(order, text, channel, self.owner, key)
                        return
                    if channel == BOSS and not plain:
                        await self.direct(line.decode(), key=key)
                        return
                    await self.take(text, channel=channel, key=key, insist=True)
                except Refused as error:
                    await self._refuse(channel, text, error.what, key)
            case Unreadable(text, reason):
                await self._refuse(channel, text, reason, key)
            case Malformed(_, why) if channel not in self._hub.linked:
                await self._refuse(channel, line.decode("utf-8", "replace"), f"not a line of the link: {why}", key)
            case None:
                pass
            case frame:
                await self._links.heard(channel, frame)
