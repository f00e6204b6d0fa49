"""A project reports: what the daemon counts and sees, and the few words that Claude adds. All of it passes the gate."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec

from ccmux import steady
from ccmux.core.report import Gated, Unfit, gate, line
from ccmux.core.reporting import MOST_HELD, at_rest, crossed, heartbeat_in, needs, release, status_of
from ccmux.daemon.hub import Hub
from ccmux.daemon.usage import Usage
from ccmux.errors import JournalError, Refused, UsageError
from ccmux.journal import meta, outbox, reports
from ccmux.journal.database import Database
from ccmux.model.ids import REPORT, new_message_id
from ccmux.model.instance import ReportSpec
from ccmux.model.message import MessageState
from ccmux.model.report import ReportType, as_object
from ccmux.model.state import InstanceState

log = logging.getLogger(__name__)

_KEY: Final = "reports"
_LOOK: Final = 30.0
"""Seconds after which everything is looked at even untold."""
_AGAIN: Final = 1.0
_COUNTED: Final = 1.0
"""Seconds in which Claude has written down what a turn used."""
_FAREWELL: Final = 0.5
"""Seconds in which the last report may reach the assistant; else it does at the next start."""
_LOOKS: Final = 20
_GONE: Final = (InstanceState.FAULTED, InstanceState.STOPPED)
_encode = msgspec.json.Encoder().encode


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What Claude says of its work."""

    task: str | None = None
    progress: str | None = None
    alerts: tuple[str, ...] = ()
    deliverables: tuple[str, ...] | None = None
    done: bool = False


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the next daemon must know, so that nothing is told twice or forgotten. Its words have passed the gate."""

    session: int = 0
    """the process that was reported to have started; 0: none runs"""
    heartbeat: float = 0.0
    sent: float = 0.0
    said: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    task: str = ""
    progress: str = ""
    alerts: tuple[str, ...] = ()
    deliverables: tuple[str, ...] = ()
    last: dict[str, Any] = {}
    cut: dict[str, int] = {}
    """of the last report: field -> parts that were held back"""


_Event = tuple[ReportType, tuple[str, ...]]
_decode = msgspec.json.Decoder(Memory).decode


class Reports:
    """Of one project. Everything is journalled before it counts as said."""

    def __init__(self, name: str, spec: ReportSpec, usage: Usage, db: Database, hub: Hub) -> None:
        self._name = name
        self._spec = spec
        self._usage = usage
        self._db = db
        self._hub = hub
        self._memory = Memory()
        self._one = asyncio.Lock()
        self._looking = asyncio.Event()
        self._ending = False
        self._ended_at: float | None = None
        """when a directive was first seen to have ended"""
        self.released: Callable[[], None] = lambda: None
        """called when the outbox has more to send"""

    async def run(self) -> None:
        """For ever: report what happens, and now and then that nothing does."""
        await self._load()
        with self._hub.watching() as changed:
            self._looking = changed
            self._hub.on_end = changed.set
            while True:
                changed.clear()
                try:
                    pause = await self._look()
                except JournalError as error:
                    log.warning("reported later: %s", error)
                    pause = _AGAIN
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(_LOOK, max(0.05, pause))):
                        await changed.wait()

    async def say(self, given: dict[str, Any]) -> dict[str, Any]:
        """Claude reports; what came of it. Without words: what was reported last."""
        try:
            words = msgspec.convert(given, Words)
        except msgspec.ValidationError as error:
            raise UsageError(f"not a report: {error}", fix="ccmux report --help") from None
        if given:
            async with self._one:
                await self._said(words)
            self._looking.set()
        waiting = await self._db.read(reports.held)
        return {"v": 1, "report": self._memory.last, "cut": self._memory.cut, "held": len(waiting)}

    async def stopping(self) -> None:
        """The session is about to be ended by order. The assistant has a moment to hear of it from us."""
        async with self._one:
            self._ending = True
            if self._memory.session:
                await self._emit([(ReportType.SESSION_STOPPED, ())], time.time(), stopped=True, session=0)
                await self._release(time.time(), at_once=True)
        for _ in range(_LOOKS):
            if REPORT not in self._hub.withheld or not await self._db.read(
                partial(outbox.first_of, channel=REPORT, limit=1)
            ):
                return
            await asyncio.sleep(_FAREWELL / _LOOKS)

    async def echoed(self, line: bytes) -> None:
        """Somebody wrote a report into `out.report`: it goes the way of all others, or is refused with a word in the log."""
        try:
            value: object = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = None
        gated = gate(value, project=self._name)
        if isinstance(gated, Unfit):
            log.warning("a line in out.report is no report: %s", gated.why)
            return
        async with self._one:
            weighty = gated.report.type.weighty or bool(gated.report.alerts)
            if weighty and len(await self._db.read(reports.held)) >= MOST_HELD:
                log.warning("a report of out.report was not taken: %d wait already", MOST_HELD)
                return
            text = _encode(as_object(gated.report)).decode()
            await self._db.insist(lambda db: reports.hold(db, time.time(), text, weighty=weighty))
        self._looking.set()

    # looking

    async def _load(self) -> None:
        kept = await self._db.read(lambda db: meta.get(db, _KEY, "{}"))
        self._memory = _decode(kept)

    async def _look(self) -> float:
        """Report what is new; seconds until there may be more to say."""
        async with self._one:
            ended, soon = await self._ended()
            now = time.time()
            if not self._memory.heartbeat:  # the first period begins
                self._memory = msgspec.structs.replace(self._memory, heartbeat=now)
            news: dict[str, Any] = {}
            events = [*self._session(news), *self._needs(news), *self._budget(news), *map(_of_directive, ended)]
            beat = heartbeat_in(self._spec.heartbeat, self._memory.heartbeat, now)
            if beat is not None and beat <= 0 and self._hub.since:
                events = events or [(ReportType.HEARTBEAT, ())]
                news["heartbeat"] = now
                beat = heartbeat_in(self._spec.heartbeat, now, now)
            if events:
                await self._emit(events, now, ended=ended, **news)
            elif at_rest(self._memory.last.get("status", ""), self._hub.reading):
                await self._emit([(ReportType.STATUS_UPDATE, ())], now, again=True)
            wake = await self._release(now)
        return min([_LOOK, *(seconds for seconds in (beat, wake, soon) if seconds is not None)])

    async def _ended(self) -> tuple[list[reports.Ended], float | None]:
        """Directives that have ended, once what they used is counted; else seconds until that may be so."""
        ended = await self._db.read(reports.due)
        if not ended:
            self._ended_at = None
            return [], None
        now = steady.now()
        if self._ended_at is None:
            self._ended_at = now
        left = self._ended_at + _COUNTED - now
        if left > 0:
            return [], left
        await self._hub.look(_COUNTED)
        return ended, None

    def _session(self, news: dict[str, Any]) -> list[_Event]:
        """A Claude that was started, or has ended for good."""
        if self._ending:
            return []
        pid = int(str(self._hub.facts.get("pid", 0)))
        state = self._hub.reading.state
        if pid and state not in (*_GONE, InstanceState.STARTING) and pid != self._memory.session:
            news["session"] = pid
            return [(ReportType.SESSION_STARTED, ())]
        if state in _GONE and self._memory.session:
            news["session"] = 0
            return [(ReportType.SESSION_STOPPED, ())]
        return []

    def _needs(self, news: dict[str, Any]) -> list[_Event]:
        found = needs(self._hub.reading, [one.code for one in self._hub.approvals()])
        if found == self._memory.needs:
            return []
        news["needs"] = found
        fresh = set(found) - set(self._memory.needs)
        return [(ReportType.BLOCKED if fresh else ReportType.STATUS_UPDATE, ())]

    def _budget(self, news: dict[str, Any]) -> list[_Event]:
        words, said = crossed(self._spec, self._usage.today, frozenset(self._memory.said))
        if words:
            news["said"] = tuple(sorted(said))
        return [(ReportType.BUDGET, words)] if words else []

    # saying

    async def _said(self, words: Words) -> None:
        weighty = words.done or bool(words.alerts)
        if weighty and len(await self._db.read(reports.held)) >= MOST_HELD:
            raise Refused(f"{MOST_HELD} reports wait to be sent already", fix="report less often")
        kind = ReportType.TASK_COMPLETED if words.done else ReportType.STATUS_UPDATE
        before = self._memory
        fresh = words.task is not None and words.task != before.task
        given: dict[str, Any] = {
            "task": before.task if words.task is None else words.task,
            "progress": ("" if fresh else before.progress) if words.progress is None else words.progress,
            "alerts": words.alerts,
            "deliverables": (() if fresh else before.deliverables)
            if words.deliverables is None
            else words.deliverables,
        }
        await self._emit([(kind, ())], time.time(), done=words.done, weighty=weighty, **given)

    async def _emit(
        self,
        events: list[_Event],
        now: float,
        *,
        ended: list[reports.Ended] | None = None,
        done: bool = False,
        stopped: bool = False,
        weighty: bool = False,
        again: bool = False,
        **news: Any,  # noqa: ANN401 - fields of Memory
    ) -> None:
        """Journal a report for every event, and with it what need not be said again.

        `again`: the words are those of the report before, and so is what was held back of them.
        """
        spoken = await self._db.read(reports.last_interaction)
        memory = msgspec.structs.replace(self._memory, **news)
        made = [
            (self._report(memory, kind, alerts, now, spoken, stopped=stopped, again=again), kind, alerts)
            for kind, alerts in events
        ]
        passed = made[-1][0]
        memory = msgspec.structs.replace(
            memory,
            task="" if done else passed.report.current_task,
            progress="" if done else passed.report.progress,
            alerts=tuple(text for text, _ in map(line, memory.alerts) if text),
            deliverables=() if done else passed.report.deliverables,
            last=as_object(passed.report),
            cut=memory.cut if again else passed.cut,
        )

        def work(db: sqlite3.Connection) -> None:
            for gated, kind, alerts in made:
                text = _encode(as_object(gated.report)).decode()
                reports.hold(db, now, text, weighty=weighty or kind.weighty or bool(alerts))
            reports.reported(db, ended or [])
            meta.put(db, _KEY, _encode(memory).decode())

        await self._db.run(work)
        self._memory = memory
        for gated, kind, _ in made:
            held_back = f"; held back: {gated.cut}" if gated.cut else ""
            log.info("reports %s%s", kind, held_back)

    def _report(
        self,
        memory: Memory,
        kind: ReportType,
        alerts: tuple[str, ...],
        now: float,
        spoken: float,
        *,
        stopped: bool,
        again: bool,
    ) -> Gated:
        used = self._usage.today
        status = "stopped" if stopped else str(status_of(self._hub.reading))
        value = {
            "project": self._name,
            "ts": self._shown(now),
            "type": str(kind),
            "status": status,
            "current_task": memory.task,
            "progress": memory.progress,
            "session_tokens_today": used.tokens.total,
            "session_cost_today": round(used.cost, 6),
            "active_minutes_today": round(used.minutes),
            "last_interaction": self._shown(spoken) if spoken else "",
            "alerts": [*alerts, *memory.needs, *memory.alerts],
            "deliverables": memory.deliverables,
            "cut": memory.last.get("cut", 0) if again else 0,
        }
        gated = gate(value, project=self._name)
        if isinstance(gated, Unfit):  # a clock in the year 10000, say
            raise UsageError(f"no report can be made: {gated.why}")
        return gated

    def _shown(self, at: float) -> str:
        return datetime.fromtimestamp(at, self._usage.zone).astimezone(self._usage.zone).isoformat(timespec="seconds")

    async def _release(self, now: float, *, at_once: bool = False) -> float | None:
        """Move to the outbox what may be sent; seconds until there is more."""
        held = await self._db.read(reports.held)
        todo = release(held, 0.0 if at_once else self._memory.sent, now, self._spec.coalesce)
        if not todo.send:
            return todo.wake_in
        memory = msgspec.structs.replace(self._memory, sent=now)
        ids = [new_message_id() for _ in todo.send]

        def work(db: sqlite3.Connection) -> None:
            reports.send(db, todo.send, ids, now)
            reports.drop(db, todo.drop)
            meta.put(db, _KEY, _encode(memory).decode())

        await self._db.run(work)
        self._memory = memory
        self._hub.kick(REPORT).set()
        self.released()
        return None


def _of_directive(ended: reports.Ended) -> _Event:
    if ended.state is MessageState.DONE:
        return ReportType.TASK_COMPLETED, ()
    how = "at its deadline and was not begun" if "expired" in ended.reason else f"without an answer ({ended.state})"
    return ReportType.STATUS_UPDATE, (f"a directive ended {how}",)
