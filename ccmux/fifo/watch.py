"""Tells that something changed in a few directories (inotify, FSEvents, by watchdog). Events are hints: who is told
looks for himself, by offset or by listing; and he looks now and then even untold, for a queue can overflow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from watchdog.events import DirModifiedEvent, FileModifiedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer


class _Handler(FileSystemEventHandler):
    def __init__(self, tell: Callable[[], None], *, contents: bool) -> None:
        self._tell = tell
        self._contents = contents

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("opened", "closed_no_write"):
            return
        if not self._contents and isinstance(event, (FileModifiedEvent, DirModifiedEvent)):
            return
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

        self._observer.schedule(_Handler(call, contents=contents), str(directory), recursive=recursive)

    def start(self) -> None:
        self._observer.start()

    async def stop(self) -> None:
        """End the threads."""
        self._observer.stop()
        await asyncio.to_thread(self._observer.join)
