"""What was heard, until its instance has it and has answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Final

import msgspec

from ccmux.gateways.config import DIRECT
from ccmux.gateways.words import Heard, Mark, Place, RemoteFile, Sender

_files = msgspec.json.Decoder(tuple[RemoteFile, ...]).decode
REGRETTED: Final = "taken back"


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that was accepted."""

    name: str
    """names it to the instance: from its key, so that another spool would give it the same"""
    instance: str
    place: Place
    native: str
    sender: Sender
    text: str
    files: tuple[RemoteFile, ...]
    fetched: bool
    state: str
    """kept, taken (the instance has it), answered, failed, refused, cancelled, order"""
    message_id: str
    """as the instance calls it"""
    mark: Mark | None
    received: float
    reason: str
    hops: int


def name_of(key: str) -> str:
    """The name of the message of that key."""
    return "s" + blake2b(key.encode(), digest_size=12).hexdigest()


def known(db: sqlite3.Connection, key: str) -> bool:
    """Whether that event was kept or dropped before."""
    found = db.execute("SELECT 1 FROM heard WHERE key = ? UNION ALL SELECT 1 FROM drops WHERE key = ?", (key, key))
    return found.fetchone() is not None


def put(db: sqlite3.Connection, heard: Heard, instance: str, now: float, state: str = "kept") -> Kept:
    """Keep an event that is not known."""
    db.execute(
        "INSERT INTO heard (key, name, instance, native, room, thread, direct, team, ord, at, received, sender, sender_name,"
        " text, files, fetched, state, hops) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            heard.key,
            name_of(heard.key),
            instance,
            heard.native,
            heard.place.room,
            heard.place.thread,
            heard.place.direct,
            heard.place.team,
            heard.order,
            heard.at,
            now,
            heard.sender.id,
            heard.sender.name,
            heard.text,
            msgspec.json.encode(heard.files).decode(),
            not heard.files,
            state,
            heard.hops,
        ),
    )
    kept = get(db, name_of(heard.key))
    assert kept is not None  # noqa: S101 - it was written just now
    return kept


def get(db: sqlite3.Connection, name: str) -> Kept | None:
    row = db.execute("SELECT * FROM heard WHERE name = ?", (name,)).fetchone()
    return None if row is None else _kept(row)


def latest_of(db: sqlite3.Connection, room: str, native: str) -> Kept | None:
    """The latest version of a message of the service that was kept."""
    row = db.execute(
        "SELECT * FROM heard WHERE room = ? AND native = ? ORDER BY seq DESC LIMIT 1", (room, native)
    ).fetchone()
    return None if row is None else _kept(row)


def offer(db: sqlite3.Connection, instance: str, limit: int, behind: Collection[str]) -> list[Kept]:
    """What the instance is to be given now: in each room in the order in which it was said, up to the first whose files are
    not there. Rooms in `behind` wait until they were read back. Marked as offered.
    """
    rows = db.execute(
        "SELECT * FROM heard WHERE instance = ? AND state = 'kept' ORDER BY room, ord, seq", (instance,)
    ).fetchall()
    ready: list[sqlite3.Row] = []
    for room, group in groupby(rows, lambda row: row["room"]):
        if room in behind:
            continue
        for row in group:
            if row["direct"] and DIRECT in behind:
                break
            if not row["fetched"]:
                break
            ready.append(row)
    ready.sort(key=lambda row: (row["at"], row["seq"]))
    chosen = ready[:limit]
    fresh = [(row["seq"],) for row in chosen if not row["offered"]]
    if fresh:
        db.executemany("UPDATE heard SET offered = 1 WHERE seq = ?", fresh)
    return [_kept(row) for row in chosen]


def unfetched(db: sqlite3.Connection) -> list[Kept]:
    rows = db.execute("SELECT * FROM heard WHERE state = 'kept' AND fetched = 0 ORDER BY seq LIMIT 20")
    return [_kept(row) for row in rows]


def fetched(db: sqlite3.Connection, name: str, note: str) -> None:
    """Its files are there, or cannot be had, which `note` tells Claude."""
    db.execute("UPDATE heard SET fetched = 1, text = text || ? WHERE name = ? AND fetched = 0", (note, name))


def taken(db: sqlite3.Connection, name: str, message_id: str) -> bool:
    """The instance has it; whether that is new."""
    changed = db.execute(
        "UPDATE heard SET state = 'taken', message_id = ? WHERE name = ? AND state = 'kept'", (message_id, name)
    )
    return changed.rowcount > 0


def ended(db: sqlite3.Connection, name: str, state: str, reason: str = "") -> bool:
    """It came to an end, in one of the ended states; whether that is new."""
    changed = db.execute(
        "UPDATE heard SET state = ?, reason = ? WHERE name = ? AND state IN ('kept', 'taken')", (state, reason, name)
    )
    return changed.rowcount > 0


def withdraw(db: sqlite3.Connection, name: str) -> bool:
    """Take back what the instance was not offered yet; whether that could be done."""
    changed = db.execute(
        "UPDATE heard SET state = 'cancelled' WHERE name = ? AND state = 'kept' AND offered = 0", (name,)
    )
    return changed.rowcount > 0


def regret(db: sqlite3.Connection, name: str) -> None:
    """Who said it does not want it any more; should it be rejected now, nobody needs to be told."""
    db.execute("UPDATE heard SET reason = ? WHERE name = ? AND state IN ('kept', 'taken')", (REGRETTED, name))


def marked(db: sqlite3.Connection, name: str, mark: Mark) -> None:
    db.execute("UPDATE heard SET mark = ? WHERE name = ?", (mark, name))


def running(db: sqlite3.Connection, instance: str) -> list[Kept]:
    """What the instance has and has not answered."""
    rows = db.execute("SELECT * FROM heard WHERE instance = ? AND state = 'taken' ORDER BY seq", (instance,))
    return [_kept(row) for row in rows]


def threads(db: sqlite3.Connection, room: str, since: float) -> Iterable[str]:
    """The threads of a room in which somebody was heard since that wall clock."""
    rows = db.execute(
        "SELECT DISTINCT CASE thread WHEN '' THEN native ELSE thread END FROM heard WHERE room = ? AND received >= ?",
        (room, since),
    )
    return [row[0] for row in rows]


def direct_rooms(db: sqlite3.Connection, since: float) -> list[str]:
    """Conversations with one person in which somebody was heard since that wall clock."""
    rows = db.execute("SELECT DISTINCT room FROM heard WHERE direct = 1 AND received >= ?", (since,))
    return [row[0] for row in rows]


def latest_direct(db: sqlite3.Connection, instance: str, senders: Collection[str]) -> Place | None:
    """Where one of these wrote to the instance alone last, outside of threads."""
    rows = db.execute(
        "SELECT * FROM heard WHERE instance = ? AND direct = 1 AND state != 'cancelled' ORDER BY seq DESC", (instance,)
    )
    found = next((row for row in rows if row["sender"] in senders), None)
    return None if found is None else Place(found["room"], "", True, found["team"])


def unanswered(db: sqlite3.Connection) -> list[Kept]:
    """Of all instances."""
    return [_kept(row) for row in db.execute("SELECT * FROM heard WHERE state IN ('kept', 'taken') ORDER BY seq")]


def untold_orders(db: sqlite3.Connection) -> list[Kept]:
    """Orders whose outcome nobody was told."""
    rows = db.execute(
        "SELECT * FROM heard WHERE state = 'order'"
        " AND NOT EXISTS (SELECT 1 FROM acts WHERE acts.name = heard.name AND acts.verb = 'post') ORDER BY seq"
    )
    return [_kept(row) for row in rows]


def of_message(db: sqlite3.Connection, instance: str, message_id: str) -> Kept | None:
    """By what the instance calls it."""
    row = db.execute("SELECT * FROM heard WHERE instance = ? AND message_id = ?", (instance, message_id)).fetchone()
    return None if row is None else _kept(row)


def counts(db: sqlite3.Connection) -> dict[str, int]:
    rows = db.execute("SELECT state, count(*) FROM heard WHERE state IN ('kept', 'taken') GROUP BY state")
    return {row[0]: row[1] for row in rows}


def _kept(row: sqlite3.Row) -> Kept:
    return Kept(
        row["name"],
        row["instance"],
        Place(row["room"], row["thread"], bool(row["direct"]), row["team"]),
        row["native"],
        Sender(row["sender"], row["sender_name"]),
        row["text"],
        _files(row["files"]),
        bool(row["fetched"]),
        row["state"],
        row["message_id"],
        Mark(row["mark"]) if row["mark"] else None,
        row["received"],
        row["reason"],
        row["hops"],
    )
