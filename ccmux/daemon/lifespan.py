"""The beginning and end of a daemon: its lock, its log, its signals."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import logging.handlers
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from ccmux.errors import Locked

_LOG_BYTES, _LOG_FILES = 5_000_000, 3


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the instance; raises Locked, naming the holder, when another process does. Ends with the process."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 20).decode(errors="replace").strip() or "?"
            raise Locked(f"{path.parent.parent} is held by process {holder}", fix="ccmux status shows it") from None
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(fd)


def held(path: Path) -> bool:
    """Whether a living daemon holds the lock."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def log_to(path: Path) -> None:
    """Everything from INFO on goes to the instance's own log, which rotates itself. Message texts are never logged."""
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    path.chmod(0o600)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


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
