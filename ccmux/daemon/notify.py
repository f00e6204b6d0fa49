"""A word when it waits: the terminal bell of whoever is attached, and a command of the person's choice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Final

from ccmux.core.alarm import Alarm, shared
from ccmux.core.clock import seconds_since
from ccmux.daemon.hub import Hub
from ccmux.daemon.session import Session
from ccmux.errors import TmuxError
from ccmux.locks import lock_briefly
from ccmux.model.instance import NotifySpec

log = logging.getLogger(__name__)

_WITHIN: Final = 20.0
"""Seconds that the command may take."""
_ONE_ALARM: Final = 900.0
"""Seconds within which the same trouble of the login or the API is told by one instance only."""
_BELL: Final = b"\a"


class Notify:
    """Watches the state of one instance."""

    def __init__(self, name: str, spec: NotifySpec, session: Session, hub: Hub, shared_directory: Path) -> None:
        self._name = name
        self._shared = shared_directory
        self._spec = spec
        self._session = session
        self._hub = hub
        self._alarm = Alarm()

    async def run(self) -> None:
        """For ever: once for each time that a person comes to be needed."""
        with self._hub.watching() as changed:
            while True:
                await changed.wait()
                changed.clear()
                asked = tuple(one.code for one in self._hub.approvals())
                needs = [*self._alarm.seen(self._hub.reading, asked), *self._hub.words()]
                try:
                    fresh = [one for one in needs if not shared(one) or await asyncio.to_thread(self._first, one)]
                    if fresh:
                        await self._tell("; ".join(fresh))
                except (OSError, ValueError) as error:
                    log.error("%s could not be told: %s", needs, error)  # noqa: TRY400 - the sentence says it all

    def _first(self, need: str) -> bool:
        """Whether no other instance has told the same of late: ten that meet one limit are one alarm."""
        self._shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock_briefly(self._shared / "alarms.lock"):
            mark = self._shared / f"alarm-{need.partition(':')[0]}"
            if mark.exists() and seconds_since(mark.stat().st_mtime, time.time()) < _ONE_ALARM:
                return False
            mark.touch()
            return True

    async def _tell(self, why: str) -> None:
        log.info("a person is needed: %s", why)
        if self._spec.bell:
            with contextlib.suppress(TmuxError, OSError):  # a terminal that has just gone needs no bell
                for tty in await self._session.terminals():
                    await asyncio.to_thread(_ring, tty)
        if self._spec.command:
            await self._run(why)

    async def _run(self, why: str) -> None:
        """The command of the person: `sh -c`, what it is about in its environment and on its stdin; never in its words."""
        environment = os.environ | {"CCMUX_INSTANCE": self._name, "CCMUX_WHY": why}
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_shell(
                self._spec.command, stdin=pipe, stdout=nowhere, env=environment
            )
        except OSError as error:
            log.warning("notify.command cannot be run: %s", error)
            return
        try:
            async with asyncio.timeout(_WITHIN):
                await process.communicate(f"{self._name}: {why}\n".encode())
        except TimeoutError:
            process.kill()
            log.warning("notify.command took more than %.0f s", _WITHIN)
        else:
            if process.returncode:
                log.warning("notify.command ended with %d", process.returncode)


def _ring(tty: str) -> None:
    fd = os.open(Path(tty), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        os.write(fd, _BELL)
    finally:
        os.close(fd)
