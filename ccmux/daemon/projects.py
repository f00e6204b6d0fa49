"""The assistant's side: what projects report is gated again, journalled once, and shown; none of it is a message to Claude."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from ccmux.core.directive import from_object
from ccmux.core.report import Unfit, gate
from ccmux.daemon.hub import Hub
from ccmux.errors import JournalError, Refused, UsageError
from ccmux.files import write_private
from ccmux.journal import approvals, links, outbox, reports
from ccmux.journal.database import Database
from ccmux.model.directive import as_object as directive_object
from ccmux.model.ids import ASSISTANT, ChannelName, MessageId, channel_name, new_message_id, project_channel, project_of
from ccmux.model.message import Reply
from ccmux.model.report import as_object
from ccmux.paths import MAIN, InstancePaths, base

log = logging.getLogger(__name__)

ABOUT: Final = "directive"
HAND: Final = "local"
"""The project of a report that was written by hand and names none that there is."""
_LOG_BYTES: Final = 5_000_000
_SLICE: Final = 500
_AGAIN: Final = 5.0
_LOOK: Final = 3.0
"""Seconds between two looks for projects that are new."""
_LATEST: Final = 10
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Projects:
    """Of the assistant."""

    def __init__(self, directory: Path, db: Database, hub: Hub) -> None:
        self._dashboard = directory / "dashboard.jsonl"
        self._log = directory / "reports.jsonl"
        self._db = db
        self._hub = hub
        self._fresh = asyncio.Event()

    # what comes

    async def take(self, text: str, *, on: ChannelName | None, key: str | None) -> str:
        """Journal a report; why it is none, or nothing. `on`: the wire that it came by; None: written by hand.

        Raises JournalError when the disk does not take it now.
        """
        try:
            value: Any = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            value = None
        project = self._sender(value, on)
        if not project:
            return f"no project reports by {on}"
        gated = gate(value, project=project)
        if isinstance(gated, Unfit):
            return gated.why
        report = gated.report
        kept = _encode(as_object(report)).decode()
        verified = on is not None

        def work(db: sqlite3.Connection) -> list[str]:
            known = {one.project: one for one in reports.latest(db)}.get(project)
            if not reports.take(db, key, project, time.time(), kept, verified=verified):
                return []
            before = _decode(known.report)["alerts"] if known is not None else []
            return [alert for alert in report.alerts if alert not in before]

        alerts = await self._db.run(work)
        for alert in alerts:
            self._hub.say(f"{project}{'' if verified else ' (unverified)'}: {alert}")
        self._fresh.set()
        return ""

    def _sender(self, value: object, on: ChannelName | None) -> str:
        """Who reports: as the wire says; by hand, a known project as it says itself, else nobody in particular."""
        if on is not None:
            return project_of(on, known)
        said = value.get("project") if isinstance(value, dict) else None
        return said if isinstance(said, str) and known(said) else HAND

    # what is asked

    async def table(self, project: str = "") -> dict[str, Any]:
        """The latest of every project; of one, the latest ten."""
        if project:
            found = await self._db.read(lambda db: reports.latest_of(db, project, _LATEST))
        else:
            found = await self._present()
        return {"v": 1, "projects": [row(one) for one in found]}

    async def _present(self) -> list[reports.Received]:
        """The latest of every project that there is."""
        found = await self._db.read(reports.latest)
        return [one for one in found if one.project == HAND or known(one.project)]

    async def direct(self, project: str, given: dict[str, Any], who: str) -> MessageId:
        """Give a project something to do; its id, after the commit. It waits until the project takes it."""
        channel = project_channel(project)
        if channel is None or project_of(channel, known) != project:
            raise UsageError(
                f"there is no project named {project[:40]!a}", fix="ccmux projects, or ccmux ls, shows the names"
            )
        unknown = set(given) - {"type", "content", "priority", "deadline", "from"}
        if unknown:
            raise UsageError(f"a directive has no {', '.join(sorted(unknown))}"[:200])
        found = from_object(given)
        if isinstance(found, str):
            raise UsageError(f"not a directive: {found}")
        now, name = time.time(), new_message_id()
        text = _encode(directive_object(found, ASSISTANT)).decode()

        def work(db: sqlite3.Connection) -> None:
            waiting = db.execute("SELECT count(*) FROM outbox WHERE channel = ? AND delivered_at IS NULL", (channel,))
            if waiting.fetchone()[0] >= _SLICE:
                raise Refused(f"{_SLICE} directives wait for {project} already", fix=f"ccmux start {project}")
            outbox.put(db, Reply(name, MessageId(""), channel, text, about=ABOUT), now)
            if channel not in links.channels(db):
                links.join(db, channel, "", now)
            approvals.note(db, approvals.Audited(now, who, "directed", project, name))

        await self._db.run(work)
        self._hub.linked.add(channel)
        self._hub.kick(channel).set()
        return name

    # what is kept in files

    async def run(self) -> None:
        """For ever: have the files say what the journal says."""
        while True:
            self._fresh.clear()
            try:
                await self._write()
            except (JournalError, OSError) as error:
                log.warning("%s is written later: %s", self._dashboard.parent, error)
                await asyncio.sleep(_AGAIN)
                continue
            while not self._fresh.is_set():
                self._attend()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._fresh.wait()

    def _attend(self) -> None:
        """Have a channel for every project that there is: its daemon may not be allowed to make FIFOs here."""
        for home in base().glob(".ccmux-*"):
            name = home.name.removeprefix(".ccmux-")
            channel = project_channel(name)
            if channel is not None and channel not in self._hub.channels() and project_of(channel, known) == name:
                self._hub.kick(channel)

    async def _write(self) -> None:
        self._log.parent.mkdir(mode=0o700, exist_ok=True)
        seq = await asyncio.to_thread(self._logged)
        while fresh := await self._db.read(partial(reports.since, seq=seq, limit=_SLICE)):
            await asyncio.to_thread(_append, self._log, [row(one) for one in fresh])
            seq = fresh[-1].seq
        lines = [_encode(row(one)) for one in await self._present()]
        await asyncio.to_thread(write_private, self._dashboard, b"".join(line + b"\n" for line in lines))

    def _logged(self) -> int:
        """The number of the last report in the log; a line that was torn by a crash is cut off."""
        for path in (self._log, self._log.with_suffix(".jsonl.1")):
            last = _last(path)
            if last:
                return last
        return 0


def known(name: str) -> bool:
    """Whether there is such a project here."""
    return channel_name(name) is not None and name != MAIN and InstancePaths.of(name).config.exists()


def row(one: reports.Received) -> dict[str, Any]:
    """A line of the dashboard and of the log: the report's own fields, and how it came."""
    value: dict[str, Any] = _decode(one.report)
    more = {"received": round(one.received, 3), "seq": one.seq}
    return value | more | ({} if one.verified else {"unverified": True})


def _last(path: Path) -> int:
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 65536))
            tail = file.read()
            whole = tail.rfind(b"\n") + 1
            if whole != len(tail):
                file.truncate(size - len(tail) + whole)
            lines = tail[:whole].splitlines()
            return int(_decode(lines[-1])["seq"]) if lines else 0
    except (FileNotFoundError, msgspec.DecodeError, KeyError, TypeError, ValueError):
        return 0


def _append(path: Path, rows: list[dict[str, Any]]) -> None:
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_suffix(".jsonl.1"))
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "ab") as file:
        file.write(b"".join(_encode(one) + b"\n" for one in rows))
        file.flush()
        os.fsync(file.fileno())
