"""A Claude Code that was updated under us: tried once for all instances, then taken up by one instance after the other."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ccmux.core.clock import seconds_since
from ccmux.daemon.drift import identity
from ccmux.files import write_private
from ccmux.locks import lock_briefly
from ccmux.paths import InstancePaths

log = logging.getLogger(__name__)

EVERY: Final = 60.0
_FAILED_FOR: Final = 86_400.0
"""Seconds for which a failure is remembered."""
_PROBE_WITHIN: Final = 300.0
_TAKEN_UP_WITHIN: Final = 120.0
"""Seconds in which an instance must be ready again before the next one may begin."""


class Updates:
    """Of one instance. `renew` asks the driver to start Claude anew at the next calm moment; `renewed` tells whether it has."""

    def __init__(
        self, paths: InstancePaths, shared: Path, renew: Callable[[str], None], renewed: Callable[[], bool]
    ) -> None:
        self._paths = paths
        self._shared = shared
        self._renew = renew
        self._renewed = renewed
        self._told = ""

    async def run(self) -> None:
        """For ever: look once a minute."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except OSError as error:
                log.warning("a new Claude Code could not be tried: %s", error)

    async def look(self) -> None:
        """Take up the new program, if there is one and it holds what we rely on."""
        started = await asyncio.to_thread(_read, self._paths.started_binary)
        path = started.partition("\t")[0]
        now = identity(path) if path else ""
        if not now or now == started:
            return
        failed = await asyncio.to_thread(self._tried, path, now)
        if failed:
            if self._told == f"{now}\t{failed}":
                return
            self._told = f"{now}\t{failed}"
            log.error(
                "the new Claude Code at %s is not taken up, the old one goes on: %s. `ccmux doctor --probe --claude %s` tries"
                " it again; `ccmux restart %s --session` takes it up nevertheless",
                path,
                failed,
                path,
                self._paths.name,
            )
            return
        await self._take_up()

    def _tried(self, path: str, now: str) -> str:
        """What does not hold; empty when all does. Tried by one instance, remembered for the others; a failure, which a busy
        machine may bring about too, only when it came twice, and for a day.
        """
        self._shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = self._shared / f"probed-{hashlib.sha256(now.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
        with lock_briefly(self._shared / "probe.lock"):
            if not known.exists() or (known.stat().st_size and _age(known) >= _FAILED_FOR):
                log.info("a new Claude Code at %s is tried", path)
                failed = _probe(path) and _probe(path)
                write_private(known, failed.encode("utf-8", "replace"))
            return _read(known)

    async def _take_up(self) -> None:
        """One instance at a time, each at a calm moment of its own."""
        with _turn(self._shared / "renewal.lock") as mine:
            if not mine:
                return  # another instance is at it: a minute later we look again
            self._renew("Claude Code was updated")
            for _ in range(int(_TAKEN_UP_WITHIN)):
                await asyncio.sleep(1.0)
                if self._renewed():
                    return


@contextlib.contextmanager
def _turn(path: Path) -> Iterator[bool]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(fd)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _age(path: Path) -> float:
    return seconds_since(path.stat().st_mtime, time.time())


def _probe(path: str) -> str:
    """Run `ccmux doctor --probe` on it; what does not hold."""
    argv = [sys.executable, "-m", "ccmux", "doctor", "--probe", "--claude", path, "--json"]
    try:
        run = subprocess.run(argv, capture_output=True, check=False, timeout=_PROBE_WITHIN, stdin=subprocess.DEVNULL)
        facts = json.loads(run.stdout)["facts"]
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        return f"the probe failed: {error}"
    return ", ".join(one["id"] for one in facts if one["holds"] is False)
