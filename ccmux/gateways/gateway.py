"""One life of one gateway: its parts, wired together, and the instances that come and go."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from ccmux.config import changed
from ccmux.daemon import lifespan
from ccmux.daemon.systemd import Notifier
from ccmux.errors import CcmuxError, ConfigError, Rejected
from ccmux.fifo.peer import Peer
from ccmux.files import write_private
from ccmux.gateways.base import Transport
from ccmux.gateways.config import read
from ccmux.gateways.fetching import Fetching
from ccmux.gateways.home import Home
from ccmux.gateways.lines import Line
from ccmux.gateways.posting import Patience, Posting
from ccmux.gateways.progress import Follow
from ccmux.gateways.reception import Reception
from ccmux.gateways.say import Say
from ccmux.gateways.spool import heard as kept_ones
from ccmux.gateways.spool import notes
from ccmux.gateways.spool.acts import Row
from ccmux.gateways.spool.schema import SPOOL
from ccmux.gateways.turns import Bearing
from ccmux.gateways.words import Mark, Priority
from ccmux.journal.database import Database
from ccmux.locks import lock
from ccmux.paths import InstancePaths

log = logging.getLogger(__name__)

_LOOK: Final = 2.0
"""Seconds between two looks at `gateway.toml` and `.env`."""
_CREDENTIALS: Final = 300.0
"""Seconds before refused credentials are tried again although nobody changed them."""
_TIDY: Final = 3600.0
_AGAIN: Final = 5.0
"""Seconds after a transport gave up for a reason that may pass."""


def _there(instance: str) -> bool:
    return InstancePaths.of(instance).home.is_dir()


class Gateway:
    """One life of one gateway."""

    def __init__(self, home: Home, transport: Transport, manager: Notifier) -> None:
        self._home = home
        self._transport = transport
        self._manager = manager
        self._spec = read(home.config)
        self._stopping = asyncio.Event()
        self._lines: dict[str, tuple[Peer, asyncio.Task[None]]] = {}
        self._follows: dict[str, Follow] = {}
        self._told = b""
        self._tasks: set[asyncio.Task[None]] = set()

    async def live(self, patience: Patience | None, bearing: Bearing | None) -> None:
        """Until SIGTERM. What is being posted then has a moment to end."""
        lifespan.on_signals(self._stopping, asyncio.Event())
        async with AsyncExitStack() as stack:
            self._db = Database(self._home.spool, schema=SPOOL)
            stack.push_async_callback(self._db.close)
            stack.push_async_callback(self._transport.close)
            posting = Posting(self._db, self._transport, self._given_up, patience, bearing)
            self._say = Say(self._db, self._transport, lambda: self._spec, posting.kick)
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._reception = Reception(
                    self._db,
                    self._transport,
                    lambda: self._spec,
                    say=self._say,
                    handed=self._handed,
                    changed=self._changed,
                    spawn=self._spawn,
                )
                if self._transport.caps.history:
                    self._reception.hold_back()
                fetching = Fetching(
                    self._db,
                    self._transport,
                    self._home.files,
                    lambda: self._spec.max_file_bytes,
                    wanted=self._reception.fetching,
                    handed=self._handed,
                    spawn=self._spawn,
                )
                workers = [
                    group.create_task(posting.run(), name="posting"),
                    group.create_task(self._connect(), name="transport"),
                    group.create_task(fetching.run(), name="files"),
                    group.create_task(self._watch_config(), name="configuration"),
                    group.create_task(self._tidy(), name="tidy"),
                ]
                await self._reception.doubt_orders()
                await self._bind()
                self._manager.tell("READY=1", f"STATUS={self._home.name}")
                log.info("gateway %s runs as %d", self._home.name, os.getpid())
                await self._stopping.wait()
                self._manager.tell("STOPPING=1")
                await posting.drain()
                for task in [*workers, *(line for _, line in self._lines.values()), *self._tasks]:
                    task.cancel()
        log.info("the gateway ended")

    # the connection

    async def _connect(self) -> None:
        """For ever; with refused credentials it waits until they change."""
        while True:
            try:
                await self._transport.run(self._reception)
            except Rejected as error:
                log.error("the credentials were refused: %s", error)  # noqa: TRY400 - the sentence says it all
                self._changed()
                await self._until_changed()
            except CcmuxError as error:
                log.error("%s", error)  # noqa: TRY400 - the sentence says it all
                await asyncio.sleep(_AGAIN)

    async def _until_changed(self) -> None:
        """Other credentials need another transport: the process begins anew, which its manager sees to."""
        known = self._env_stamp()
        until = time.monotonic() + _CREDENTIALS
        while time.monotonic() < until:
            await asyncio.sleep(_LOOK)
            if self._env_stamp() != known:
                log.info("the credentials have changed: beginning anew")
                changed.begin_anew("gateway", *self._home.words())

    def _env_stamp(self) -> tuple[tuple[int, int], ...]:
        files = [self._home.env, *([InstancePaths.of(self._home.own).env] if self._home.own else [])]
        return tuple((found.st_mtime_ns, found.st_size) for file in files if file.exists() for found in [file.stat()])

    # the instances

    async def _bind(self) -> None:
        """One line to each instance that is bound, and none to others."""
        wanted = {one.instance for one in self._spec.bind}
        for name in [name for name in self._lines if name not in wanted]:
            self._lines.pop(name)[1].cancel()
        channel = self._spec.channel or self._home.kind
        for name in sorted(wanted - set(self._lines)):
            paths = InstancePaths.of(name)
            line = Line(
                name, self._db, reception=self._reception, say=self._say, files=self._home.files, begun=self._begun
            )
            peer = Peer(paths.run, channel, f"gateway-{self._home.name}", line)
            self._lines[name] = peer, self._group.create_task(self._line(peer, paths, channel), name=f"line {name}")
            self._begun(name)

    async def _line(self, peer: Peer, paths: InstancePaths, channel: str) -> None:
        """Alone: two gateways on one channel would take each other's answers."""
        while True:
            try:
                if not paths.data.is_dir():
                    raise CcmuxError(f"there is no instance {paths.name}")
                with lock(paths.data / f"peer-{channel}.lock"):
                    await peer.run()
            except CcmuxError as error:
                log.warning("no line to %s: %s", paths.name, error.what)
                await asyncio.sleep(10 * _LOOK)

    def _handed(self, instance: str) -> None:
        """That instance (empty: each) has something to be given."""
        for name, (peer, _) in self._lines.items():
            if instance in ("", name):
                peer.kick()

    def _begun(self, instance: str) -> None:
        """Something of ours is with the instance, or came back."""
        known = self._follows.get(instance)
        if known is not None:
            known.kick()
            return
        bound = self._spec.of_instance(instance)
        follow = Follow(instance, self._db, self._transport, self._say)
        self._follows[instance] = follow

        async def work() -> None:
            try:
                await follow.run(wanted=bound is not None and bound.progress)
            finally:
                self._follows.pop(instance, None)

        self._spawn(work(), f"follow {instance}")

    # configuration and health

    async def _watch_config(self) -> None:
        """For ever: `gateway.toml` takes effect as soon as it is right."""
        stamp, wrong = self._config_stamp(), ""
        while True:
            await asyncio.sleep(_LOOK)
            self._manager.tell("WATCHDOG=1")  # the loop turns
            if self._config_stamp() == stamp:
                continue
            stamp = self._config_stamp()
            try:
                self._spec = read(self._home.config)
            except ConfigError as error:
                if str(error) != wrong:
                    wrong = str(error)
                    log.error("the configuration stays as it was: %s", error)  # noqa: TRY400 - the sentence says it all
                continue
            log.info("%s has changed", self._home.config)
            await self._bind()
            await self._reception.let_go(_there, unbound=False)
            self._reception.changed()

    def _config_stamp(self) -> tuple[int, int]:
        try:
            found = self._home.config.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_mtime_ns, found.st_size

    def _changed(self) -> None:
        """Have `doctor` and others see how it is."""
        health = msgspec.json.encode({"pid": os.getpid(), **msgspec.to_builtins(self._transport.health())})
        if health != self._told:
            self._told = health
            try:
                write_private(self._home.health, health)
            except OSError as error:
                log.warning("%s cannot be written: %s", self._home.health, error)

    def _given_up(self, row: Row, why: str) -> None:
        """An answer that its place will never take waits for a person (`gateway dead`); who waits there sees a mark."""
        log.debug("%s %s: %s", row.act.draft.verb, row.act.id, why)
        if row.name and row.priority is Priority.FINAL:
            self._spawn(self._mark_failed(row.name), f"mark {row.name}")

    async def _mark_failed(self, name: str) -> None:
        def work(db: sqlite3.Connection) -> None:
            kept = kept_ones.get(db, name)
            if kept is not None:
                self._say.mark(db, kept, Mark.FAILED)

        await self._db.insist(work)
        self._say.kick()

    async def _tidy(self) -> None:
        while True:
            await self._db.insist(lambda db: notes.forget(db, time.time()))
            await self._reception.let_go(_there, unbound=True)
            await asyncio.sleep(_TIDY)

    # tasks that nobody waits for

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self._group.create_task(self._guarded(work, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _guarded(work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except CcmuxError as error:
            log.error("%s: %s", name, error)  # noqa: TRY400 - the sentence says it all
        except Exception:  # one that nobody waits for: in the group it would end the whole gateway
            log.exception("%s", name)
