"""Fills the board: one `watch` connection an instance, a slow look at the homes, and word of changed reports.

No process is started for it but once for an instance that ends. What a daemon does not push (its queue, what it used) is
asked for after its journal has changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from watchdog.events import FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from ccmux.dashboard import reading, reports
from ccmux.dashboard.board import Board
from ccmux.errors import CcmuxError
from ccmux.fleet import registry
from ccmux.fleet.listing import at_rest
from ccmux.paths import InstancePaths

log = logging.getLogger(__name__)

_LINE: Final = 1 << 20
_ANSWERS: Final = 10.0
_LOOK: Final = 3.0
"""Seconds between two looks at journals, homes and reports: a few stats each."""
_GLANCE: Final = 10.0
"""Seconds between two readings of one journal."""
_FIRST, _LONGEST = 0.3, 5.0
"""Seconds until a daemon that is not there is tried again."""
_REST: Final = 0.2
"""Seconds between two readings of the reports."""


class Feed:
    """Of everything under `ccmux.paths.base()`."""

    def __init__(self, board: Board, changed: Callable[[], None]) -> None:
        self._board = board
        self._changed = changed
        self._following: dict[str, asyncio.Task[None]] = {}
        self._stamps: dict[str, reading.Stamp] = {}
        self._glanced: dict[str, tuple[float, reading.Stamp, int]] = {}
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        observer = Observer()
        observer.daemon = True
        try:
            with contextlib.suppress(OSError):  # no inotify left: the slow look must do
                observer.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._homes(group))
                group.create_task(self._reports(observer))
                group.create_task(self._journals())
        finally:
            observer.stop()

    # homes

    async def _homes(self, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                names, trouble = registry.names(), ""
            except (CcmuxError, OSError) as error:
                names, trouble = [], str(error)
            for name in [*self._following]:
                if name not in names:
                    self._following.pop(name).cancel()
                    self._board.forget(name)
                    self._stamps.pop(name, None)
                    self._glanced.pop(name, None)
                    self._changed()
            for name in names:
                if name not in self._following:
                    self._following[name] = group.create_task(self._follow(InstancePaths.of(name)))
            if trouble != self._board.trouble or not names:
                self._board.trouble = trouble
                self._board.complete = True
                self._changed()
            await asyncio.sleep(_LOOK)

    # one instance

    async def _follow(self, paths: InstancePaths) -> None:
        pause, rested = _FIRST, None
        while True:
            began, trouble = time.monotonic(), ""
            try:
                await self._watch(paths)
            except (FileNotFoundError, ConnectionRefusedError):
                pass
            except TimeoutError:
                trouble = f"its daemon does not answer: ccmux restart {paths.name}"
            except reading.TROUBLE as error:
                trouble = f"daemon: {error}"
            if time.monotonic() - began > _LONGEST:
                pause = _FIRST
            seen = (trouble, self._at_rest_stamp(paths))
            shown = self._board.instances.get(paths.name)
            if seen != rested or shown is None or shown.daemon:
                rested = seen
                self._put(await asyncio.to_thread(_at_rest, paths, trouble))
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST)

    @staticmethod
    def _at_rest_stamp(paths: InstancePaths) -> tuple[object, ...]:
        """Changes with what `at_rest` reads."""
        try:
            session = paths.tmux_socket.exists()
        except CcmuxError:
            session = False
        return (session, paths.config.exists(), paths.last_word.exists(), reading.stamp(paths))

    async def _watch(self, paths: InstancePaths) -> None:
        """Until the daemon ends or says something else. Raises when it is not there, or does not answer."""
        reader, writer = await _connected(paths)
        try:
            writer.write(b'{"op":"watch"}\n')
            async with asyncio.timeout(_ANSWERS):
                self._put(_instance(await reader.readline()))
            while line := await reader.readline():
                self._put(_instance(line))
        finally:
            writer.close()

    async def _ask(self, name: str) -> None:
        """Its status now."""
        with contextlib.suppress(OSError, ValueError, CcmuxError, TimeoutError):
            async with asyncio.timeout(_ANSWERS):
                reader, writer = await _connected(InstancePaths.of(name))
                try:
                    writer.write(b'{"op":"status"}\n')
                    self._put(_instance(await reader.readline()))
                finally:
                    writer.close()

    def _put(self, told: object) -> None:
        self._board.put(told)
        self._board.complete = self._board.complete or len(self._board.instances) >= len(self._following)
        self._changed()

    # journals

    async def _journals(self) -> None:
        while True:
            await asyncio.gather(*(self._look_at(name) for name in [*self._board.instances]))
            await asyncio.sleep(_LOOK)

    async def _look_at(self, name: str) -> None:
        """What was pushed last may be older than the journal: the stamp is taken before the daemon is asked."""
        now = reading.stamp(InstancePaths.of(name))
        if now != self._stamps.get(name):
            self._stamps[name] = now
            if self._board.instances[name].daemon:
                await self._ask(name)
        await self._glance(name, now)

    async def _glance(self, name: str, now: reading.Stamp) -> None:
        """Read its journal when it has changed, or another hour has begun."""
        hour = int(time.time() // 3600)
        at, before, then = self._glanced.get(name, (0.0, None, 0))
        if (now, hour) == (before, then) or time.monotonic() - at < _GLANCE:
            return
        self._glanced[name] = (time.monotonic(), now, hour)
        found = await asyncio.to_thread(reading.glance, name)
        if name in self._board.instances and found != self._board.glances.get(name):
            self._board.glances[name] = found
            self._changed()

    # reports

    async def _reports(self, observer: Any) -> None:  # noqa: ANN401 - watchdog's class differs by platform
        """Read them when told, and when a slow look finds them changed: an event may be lost."""
        watched, seen = False, None
        loop = asyncio.get_running_loop()
        while True:
            directory = reports.directory()
            if not watched and directory.is_dir():
                with contextlib.suppress(OSError):  # no inotify left: the slow look must do
                    observer.schedule(_Told(loop, self._told), str(directory), event_filter=_CHANGES)
                    watched = True
            now = _stat(directory / "dashboard.jsonl")
            if now != seen:
                seen = now
                found = await asyncio.to_thread(reports.latest)
                if found != self._board.reports:
                    self._board.reports = found
                    self._changed()
            self._told.clear()
            await asyncio.sleep(_REST)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._told.wait()


_CHANGES: Final[list[type[FileSystemEvent]]] = [FileCreatedEvent, FileModifiedEvent, FileMovedEvent]


class _Told(FileSystemEventHandler):
    def __init__(self, loop: asyncio.AbstractEventLoop, told: asyncio.Event) -> None:
        self._loop = loop
        self._event = told

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - watchdog's signature
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._event.set)


def _at_rest(paths: InstancePaths, trouble: str) -> object:
    try:
        return at_rest(paths, trouble)
    except reading.TROUBLE as error:
        return {"name": paths.name, "state": "stopped", "reason": trouble or str(error)}


def _stat(path: Any) -> tuple[int, int, int]:  # noqa: ANN401
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


async def _connected(paths: InstancePaths) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(paths.control_socket, limit=_LINE)


def _instance(line: bytes) -> object:
    """What the daemon told. Raises ValueError when it told something else."""
    if not line:
        raise ValueError("it closed the connection")
    value = json.loads(line)
    if not isinstance(value, dict) or "instance" not in value:
        failed = value.get("failed") if isinstance(value, dict) else None
        raise ValueError(str(failed.get("what")) if isinstance(failed, dict) else "it says something else")
    return value["instance"]
