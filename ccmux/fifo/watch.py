"""Tells that something changed in a few directories (inotify, FSEvents, by watchdog). Events are hints: who is told
looks for himself, by offset or by listing; and he looks now and then even untold, for a queue can overflow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

_ENTRIES: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
]


class _Handler(FileSystemEventHandler):
    """Only what was asked for wakes us: our own reading of a directory must not (the kernel is told, too)."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - watchdog's signature
        self._tell()


class Watch:
    """One observer for all directories of an instance. `tell` runs on the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._observer = Observer()
        self._observer.daemon = True

    def add(self, directory: Path, tell: Callable[[], None], *, contents: bool, recursive: bool = False) -> None:
        """Call `tell` when entries of the directory come, go or are renamed; with `contents`, also when files grow."""

        def call() -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(tell)

        wanted = [*_ENTRIES, FileModifiedEvent] if contents else _ENTRIES
        self._observer.schedule(_Handler(call), str(directory), recursive=recursive, event_filter=wanted)

    def start(self) -> None:
        self._observer.start()

    async def stop(self) -> None:
        """End the threads."""
        self._observer.stop()
        await asyncio.to_thread(self._observer.join)
