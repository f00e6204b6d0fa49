"""Print the wall clock whenever a hook's file stands whole in a spool directory (its rename)."""

from __future__ import annotations

import sys
import time

from watchdog.events import FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer


class _Printer(FileSystemEventHandler):
    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - watchdog's signature
        print(time.time(), flush=True)


observer = Observer()
observer.schedule(_Printer(), sys.argv[1], event_filter=[FileMovedEvent])
observer.start()
print("ready", flush=True)
observer.join()
