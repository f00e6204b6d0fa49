"""The beginning and end of a daemon: its log and its signals."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
import signal
from pathlib import Path

from ccmux.files import write_private

_LOG_BYTES, _LOG_FILES = 5_000_000, 3


def log_to(path: Path) -> None:
    """Everything from INFO on goes to the instance's own log, which rotates itself. Message texts are never logged."""
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    path.chmod(0o600)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def leave_word(path: Path, what: str) -> None:
    """Why the daemon ended, for `ls` and `status`, until one is ready again."""
    with contextlib.suppress(OSError):  # the log has it, too; a disk that is full takes neither
        write_private(path, what.encode("utf-8", "replace"))


def on_signals(stop: asyncio.Event, tell: asyncio.Event) -> None:
    """SIGTERM and SIGINT end the daemon, never the session."""

    def end(number: int) -> None:
        logging.getLogger(__name__).info(
            "signal %s: the daemon stops, the session goes on", signal.Signals(number).name
        )
        stop.set()
        tell.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
