"""Tell the manager of services how the daemon is: ready, alive, and which FIFOs shall outlive it."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Final

from ccmux.daemon.driver import RESCAN
from ccmux.daemon.hub import Hub
from ccmux.daemon.intake import Intake
from ccmux.daemon.systemd import Notifier
from ccmux.journal.database import Database

_STUCK: Final = 3 * RESCAN
"""Seconds without a look of the driver, which also asks tmux, after which the daemon no longer counts as alive."""
_EVERY: Final = 10.0


class Supervised:
    """Of one daemon. Without a manager that listens it does nothing."""

    def __init__(self, manager: Notifier, hub: Hub, intake: Intake, db: Database) -> None:
        self._manager = manager
        self._hub = hub
        self._intake = intake
        self._db = db
        self._kept: dict[str, tuple[int, int]] = {}

    async def run(self) -> None:
        """For ever."""
        if not self._manager.address:
            return
        await self._hub.adopted.wait()
        await self._intake.open.wait()
        self._keep_fifos()
        self._manager.tell("READY=1", "STATUS=the session is there, its FIFOs are open")
        pause = min(_EVERY, self._manager.watchdog / 3) if self._manager.watchdog else _EVERY
        while True:
            await asyncio.sleep(pause)
            self._keep_fifos()
            if self._alive():
                self._manager.tell("WATCHDOG=1")

    def _alive(self) -> bool:
        """Whether the driver looks, or waits for a disk: another daemon would wait for it, too, and know less."""
        return bool(self._db.trouble) or time.monotonic() < self._hub.looked_at + _STUCK

    def stopping(self) -> None:
        """The daemon ends by order; one that begins anew in the same process does not."""
        if not self._hub.again:
            self._manager.tell("STOPPING=1")

    def _keep_fifos(self) -> None:
        """What is written while no daemon reads stays in the pipe as long as anybody has it open.

        FDPOLL=0: systemd would let go of a reading end as soon as its last writer has left.
        """
        now = {name: _identity(fd) for name, fd in self._intake.descriptors().items()}
        for name in self._kept.keys() | now.keys():
            if self._kept.get(name) == now.get(name):
                continue
            self._manager.tell("FDSTOREREMOVE=1", f"FDNAME={name}")
            if name in now:
                self._manager.tell("FDSTORE=1", f"FDNAME={name}", "FDPOLL=0", fds=(self._intake.descriptors()[name],))
        self._kept = now


def _identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino
