"""A whole office that stands still: homes with real journals, a board as a feed would fill it, and a clock that stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ccmux.dashboard.board import Board, Glance, report_of
from ccmux.journal import approvals, inbox, outbox, turns
from ccmux.journal.connection import connect
from ccmux.model.approval import Approval, Asked, Cause, Kind
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.message import Message, MessageState, Reply
from ccmux.model.turn import Cause as Why
from ccmux.paths import InstancePaths

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC).timestamp()
LOCAL = ChannelName("local")
DAY = (0, 0, 0, 0, 0, 0, 3, 9, 31, 44, 12, 0, 22, 38, 5)


def instance(name: str, state: str = "idle", reason: str = "", **more: Any) -> dict[str, Any]:
    """As `ls --json` has it."""
    queue = {"waiting": 0, "in_flight": 0, "dead": 0} | more.pop("queue", {})
    tokens, cost, minutes = more.pop("used", (0, 0.0, 0.0))
    usage = {"tokens": {"total": tokens}, "cost_usd": cost, "active_minutes": minutes} if tokens else {}
    plain = {
        "name": name,
        "role": "assistant" if name == "main" else "project",
        "state": state,
        "reason": reason,
        "since": NOW - 250,
        "cwd": f"/home/anna/src/{name}",
        "login": "shared login: the login in /home/anna/.claude",
        "until": 0.0,
        "blocked": "",
        "drift": [],
        "daemon": {"pid": 0 if state == "stopped" else 4711, "version": "0.1.0"},
        "queue": queue,
        "usage": usage,
    }
    return plain | more


def report(project: str, **more: Any) -> dict[str, Any]:
    """As the assistant's home has it."""
    plain = {
        "project": project,
        "ts": "2026-11-21T13:58:00+00:00",
        "type": "status_update",
        "status": "active",
        "current_task": "",
        "progress": "",
        "session_tokens_today": 45_230,
        "session_cost_today": 2.41,
        "active_minutes_today": 67,
        "last_interaction": "2026-11-21T13:50:00+00:00",
        "alerts": [],
        "deliverables": [],
    }
    return plain | more


INSTANCES = [
    instance("main", used=(182_400, 1.92, 31.0)),
    instance("billing", "busy", used=(1_243_000, 6.13, 94.0), queue={"waiting": 2, "in_flight": 1}, since=NOW - 95),
    instance(
        "ipo-analysis", "waiting", "approval", used=(402_118, 3.02, 47.5), queue={"in_flight": 1}, since=NOW - 640
    ),
    instance("docs", "paused", used=(8_120, 0.04, 2.0), queue={"waiting": 4}, since=NOW - 7300),
    instance(
        "mobile", "limited", "rate_limit", until=NOW + 3300, used=(2_904_000, 14.7, 213.0), queue={"in_flight": 1}
    ),
    instance("scraper", "faulted", "crash-loop", queue={"dead": 2}, since=NOW - 14_000, used=(51_000, 0.31, 6.0)),
    instance("website", "typing", "draft", used=(77_000, 0.52, 12.0), since=NOW - 20),
    instance("archive", "stopped", since=0.0, login=""),
]
REPORTS = [
    report(
        "billing",
        current_task="Move invoices to the new ledger",
        progress="5/9 tables",
        deliverables=["ledger.py", "migration 0042", "green tests"],
    ),
    report(
        "ipo-analysis",
        current_task="Compare the filings of three candidates",
        progress="2/3 filings",
        status="blocked",
        ts="2026-11-21T13:54:30+00:00",
        alerts=["needs a decision: buy the data set for 90 USD?", "token budget at 80 %"],
    ),
    report("mobile", current_task="Port the sync engine", progress="60 %", ts="2026-11-21T11:10:00+00:00"),
    report("website", current_task="Landing page, second draft", progress="", ts="2026-11-21T14:01:00+00:00"),
]
ASKED: list[tuple[str, str, Kind, str, dict[str, Any]]] = [
    ("ipo-analysis", "k3f9", Kind.TOOL, "Bash", {"command": "curl -sS https://example.com/filings.zip -o filings.zip"}),
    (
        "ipo-analysis",
        "q2ab",
        Kind.QUESTION,
        "AskUserQuestion",
        {
            "questions": [
                {
                    "question": "Which valuation method shall lead?",
                    "options": [
                        {"label": "Discounted cash flow"},
                        {"label": "Multiples"},
                        {"label": "Both, side by side"},
                    ],
                }
            ]
        },
    ),
    (
        "billing",
        "p7cd",
        Kind.PLAN,
        "ExitPlanMode",
        {"plan": "1. Copy the tables\n2. Compare sums\n3. Switch over at night"},
    ),
]


class Still:
    """A feed that fills the board once."""

    def __init__(self, board: Board, changed: Callable[[], None]) -> None:
        self.board = board
        self.changed = changed

    async def run(self) -> None:
        fill(self.board)
        self.changed()
        await asyncio.Event().wait()


class Nothing(Still):
    """A home without instances."""

    async def run(self) -> None:
        self.board.complete = True
        self.changed()
        await asyncio.Event().wait()


def fill(board: Board) -> None:
    for one in INSTANCES:
        board.put(one)
    for told in REPORTS:
        found = report_of(told)
        assert found is not None
        board.reports[found.project] = found
    for number, one in enumerate(INSTANCES[:-1]):
        turned = DAY[:6] + tuple(DAY[6 + (hour + number * 3) % 9] for hour in range(9))
        board.glances[str(one["name"])] = Glance(turned)
    board.glances["website"] = Glance(DAY, "make the headline shorter, and say what it costs")
    board.complete = True


def build(home: Path) -> None:
    """The homes, under `home`."""
    for one in INSTANCES:
        paths = paths_of(home, str(one["name"]))
        paths.data.mkdir(parents=True)
        paths.config.write_text("version = 1\n")
    _messages(paths_of(home, "billing"))
    _approvals(home)
    _dead(paths_of(home, "scraper"))
    projects = paths_of(home, "main").data / "projects"
    projects.mkdir()
    (projects / "dashboard.jsonl").write_text("".join(json.dumps(one) + "\n" for one in REPORTS))
    log = [one | {"received": one["ts"]} for one in sorted(REPORTS, key=lambda one: str(one["ts"]))]
    (projects / "reports.jsonl").write_text("".join(json.dumps(one) + "\n" for one in log))


def paths_of(home: Path, name: str) -> InstancePaths:
    return InstancePaths(name, home / (".ccmux" if name == "main" else f".ccmux-{name}"))


def message(number: int, text: str, state: MessageState, at: float, **more: Any) -> Message:
    return Message(MessageId(f"m-{number:015d}"), LOCAL, more.pop("sender", "anna"), text, at, state=state, **more)


def _messages(paths: InstancePaths) -> None:
    told = [
        message(1, "Which tables are still in the old ledger?", MessageState.DONE, NOW - 5400),
        message(
            2, "Move them, one after the other.\nTests first.", MessageState.COMMITTED, NOW - 95, prompt_id="b2f1-4c"
        ),
        message(3, "And tell me what is left at noon", MessageState.RECEIVED, NOW - 60, sender="cron"),
        message(4, "Also update the docs", MessageState.RECEIVED, NOW - 12),
    ]
    with closing(connect(paths.journal)) as db:
        for one in told:
            inbox.put(db, one)
            for step, (event, detail) in enumerate((("pasting", "nonce qzr4a7bd"), ("committed", "row 8c1e")), 1):
                if one.state is not MessageState.RECEIVED:
                    db.execute(
                        "INSERT INTO ledger (at, message_id, event, detail) VALUES (?, ?, ?, ?)",
                        (one.received_at + step * 0.04, one.id, event, detail),
                    )
        answer = Reply(
            MessageId("m-00000000000000a"), told[0].id, LOCAL, "Nine: accounts, entries, invoices and six more."
        )
        outbox.put(db, answer, NOW - 5380)
        turns.put(db, turns.Turn("a1c9-77", NOW - 5399, Why.MESSAGE, told[0].id))
        turns.put(db, turns.Turn("f0aa-12", NOW - 3000, Why.TERMINAL, ""))
        turns.put(db, turns.Turn("b2f1-4c", NOW - 94, Why.MESSAGE, told[1].id))


def _approvals(home: Path) -> None:
    for number, (name, code, kind, tool, given) in enumerate(ASKED):
        asked = Asked(kind, tool, given, f"/home/anna/src/{name}", f"prompt-{number}", f"toolu_{number}")
        cause = Cause(MessageId(f"m-{number:015d}"), LOCAL, "anna")
        at = NOW - 640 + number * 100
        with closing(connect(paths_of(home, name).journal)) as db:
            approvals.put(db, Approval(f"a-{number:05d}", code, asked, cause, at, at + 3600))


def _dead(paths: InstancePaths) -> None:
    with closing(connect(paths.journal)) as db:
        long = "Compare these two pages, word by word, and tell me what changed since last week.\n\nhttps://example.com/a\n"
        for one in (
            message(7, "Fetch the list again", MessageState.DEAD, NOW - 20_000, reason="attempts used up", attempt=5),
            message(8, long, MessageState.DEAD, NOW - 15_000, reason="the API says never: too long", attempt=1),
        ):
            inbox.put(db, one)
            inbox.save(db, one, one.received_at)
