"""What all connections share: the script, the journal, and the sign that it is time to go."""

import threading
from collections.abc import Mapping
from pathlib import Path

from ccmux.standin.journal import Journal
from ccmux.standin.script import Script
from ccmux.standin.step import JsonObject, Step


class Desk:
    """Takes requests in, one at a time: the journal's order is the order in which the script was consumed."""

    def __init__(self, log: Path | None, keep: int) -> None:
        self.lock = threading.Lock()
        """Held around every use of `script`."""
        self.script = Script()
        self.journal = Journal(log, keep)
        self._closing = threading.Event()

    def open(self) -> None:
        """Begin, perhaps anew."""
        self._closing.clear()
        self.journal.open(opened=True)

    def close(self) -> None:
        """End every wait."""
        self._closing.set()
        self.journal.open(opened=False)

    def converse(self, method: str, path: str, headers: Mapping[str, str], body: JsonObject) -> Step:
        """Note a Messages request down, and choose its answer."""
        with self.lock:
            choice = self.script.choose(body)
            main = bool(body.get("tools"))
            self.journal.record(method, path, headers, body, main=main, source=choice.source)
        return choice.step

    def pause(self, seconds: float) -> None:
        """Let time pass, but not beyond `close`.

        Raises:
            ConnectionAbortedError: the stand-in is closing, so nobody is to be answered any more.

        """
        if seconds > 0 and self._closing.wait(seconds):
            raise ConnectionAbortedError

    def reset(self) -> None:
        """Forget the script and the requests."""
        with self.lock:
            self.script = Script()
            self.journal.clear()
