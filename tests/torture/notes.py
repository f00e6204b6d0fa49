"""What senders, readers and the monkey write down, at once: one JSON line each, from any thread."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path


class Notes:
    """One file of JSON lines."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self.count = 0

    def note(self, **row: object) -> None:
        line = json.dumps({"at": time.time(), **row}, ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            self.count += 1

    def close(self) -> None:
        self._file.close()
