"""What was seen of a run, as values. Nothing here knows ccmux; every line is what somebody outside of it wrote down.

A run's directory holds `sent.jsonl` (senders), `ledger-INSTANCE.jsonl` (the double of Claude), `read.jsonl` (readers of
`out.*`), `chaos.jsonl` (the monkey) and, for each instance, `journal-INSTANCE.db` or its path.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that a sender had to say, however often it tried."""

    token: str
    """stands in its text and in no other"""
    text: str
    instance: str
    channel: str
    sender: str
    n: int
    """the sender's own count"""
    at: float
    """of the (last) try"""
    key: str = ""
    ids: tuple[str, ...] = ()
    """that it was acknowledged with; more than one is wrong"""
    written: bool = False
    """into a FIFO, which acknowledges nothing"""
    refused: bool = False
    """the latest answer was a refusal: it was not taken"""

    @property
    def acknowledged(self) -> bool:
        return bool(self.ids)


@dataclass(frozen=True, slots=True)
class Turn:
    """A line of the ledger: `began`, `asked` (the model), `committed` (the row is written), `answered`, `told` (Stop hook
    ran), `interrupted`.
    """

    instance: str
    what: str
    pid: int = 0
    """of the Claude; 0 where it is not known"""
    prompt_id: str = ""
    text: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One whole reply as a reader of a FIFO got it."""

    instance: str
    channel: str
    id: str
    reply_to: str
    text: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the journal."""

    instance: str
    id: str
    channel: str
    text: str
    state: str
    reason: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply in the journal."""

    instance: str
    id: str
    reply_to: str
    channel: str
    text: str
    error: str = ""
    delivered: bool = True


@dataclass(frozen=True, slots=True)
class Blow:
    """What the monkey did, and to which instance."""

    at: float
    what: str
    instance: str


@dataclass(slots=True)
class History:
    """All of it. Every list is in the order in which it happened."""

    sent: list[Sent] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    blows: list[Blow] = field(default_factory=list)
    garbled: list[str] = field(default_factory=list)
    """lines on `out.*` that were not whole"""
    readers: bool = True
    """whether every `out.*` was read to the end"""


def rows(file: Path) -> Iterator[Json]:
    """The objects of a file of JSON lines; a torn last line is no line."""
    if not file.exists():
        return
    with file.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield json.loads(line)


def load(directory: Path, journals: dict[str, Path]) -> History:
    """The history of a run on the double."""
    history = History()
    history.sent = sent(rows(directory / "sent.jsonl"))
    history.lines, history.garbled = read(rows(directory / "read.jsonl"))
    history.blows = [Blow(row["at"], row["what"], row["instance"]) for row in rows(directory / "chaos.jsonl")]
    for instance, journal in journals.items():
        history.turns += [_turn(instance, row) for row in rows(directory / f"ledger-{instance}.jsonl")]
        kept, replies = journalled(instance, journal)
        history.kept += kept
        history.replies += replies
    return history


def _turn(instance: str, row: Json) -> Turn:
    text = row.get("prompt") or row.get("text") or ""
    return Turn(instance, row["what"], row["pid"], row.get("prompt_id", ""), text, row["at"])


def sent(log: Iterable[Json]) -> list[Sent]:
    """One value for each message, from the tries and their outcomes."""
    found: dict[str, Json] = {}
    for row in log:
        known = found.setdefault(row["token"], {**row, "ids": [], "written": False, "refused": False})
        known["at"] = row["at"]
        known["written"] = known["written"] or row["what"] == "wrote"
        known["refused"] = row["what"] == "refused"
        if row["what"] == "ack" and row["id"] not in known["ids"]:
            known["ids"].append(row["id"])
    return [
        Sent(
            row["token"],
            row["text"],
            row["instance"],
            row["channel"],
            row["sender"],
            row["n"],
            row["at"],
            key=row.get("key") or "",
            ids=tuple(row["ids"]),
            written=row["written"],
            refused=row["refused"],
        )
        for row in found.values()
    ]


def read(log: Iterable[Json]) -> tuple[list[Line], list[str]]:
    """Whole replies from their parts; what was no line of the protocol."""
    lines: list[Line] = []
    garbled: list[str] = []
    parts: dict[str, list[str]] = {}
    for row in log:
        try:
            one = json.loads(row["line"])
            part, whole, reply = one["part"], one["parts"], one["id"]
        except (ValueError, KeyError, TypeError):
            garbled.append(f"{row['instance']}/{row['channel']}: {row['line'][:200]}")
            continue
        known = parts.setdefault(reply, [])
        if part == 1:
            known.clear()
        known.append(one["text"])
        if len(known) == whole == part:
            text = "".join(parts.pop(reply))
            lines.append(Line(row["instance"], row["channel"], reply, one["reply_to"], text, one.get("error", "")))
    return lines, garbled


def journalled(instance: str, journal: Path) -> tuple[list[Kept], list[Reply]]:
    """Messages and replies as SQLite holds them."""
    with closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as db:
        kept = [
            Kept(instance, *row)
            for row in db.execute(
                "SELECT id, channel, text, state, reason, coalesce(source_key, '') FROM inbox ORDER BY seq"
            )
        ]
        replies = [
            Reply(instance, *row)
            for row in db.execute(
                "SELECT id, reply_to, channel, text, error, delivered_at IS NOT NULL FROM outbox ORDER BY seq"
            )
        ]
    return kept, replies
