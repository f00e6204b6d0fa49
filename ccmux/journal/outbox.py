"""Replies in the journal, until their channel's FIFO has taken them."""

from __future__ import annotations

import sqlite3

from ccmux.journal import links
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.message import Reply


def put(db: sqlite3.Connection, reply: Reply, at: float) -> None:
    db.execute(
        "INSERT INTO outbox (id, reply_to, channel, text, error, about, files, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (reply.id, reply.reply_to, reply.channel, reply.text, reply.error, reply.about, reply.files, at),
    )


_WAITING = """SELECT outbox.*, inbox.source_key FROM outbox LEFT JOIN inbox ON inbox.id = outbox.reply_to
    WHERE outbox.channel = ? AND delivered_at IS NULL ORDER BY outbox.seq LIMIT ?"""


def next_of(db: sqlite3.Connection, channel: ChannelName) -> Reply | None:
    """The oldest reply that this channel has not taken."""
    return next(iter(first_of(db, channel, 1)), None)


def first_of(db: sqlite3.Connection, channel: ChannelName, limit: int) -> list[Reply]:
    """The oldest replies that this channel has not taken."""
    return [reply_of(row) for row in db.execute(_WAITING, (channel, limit))]


def channels(db: sqlite3.Connection) -> list[ChannelName]:
    """The channels that still have something to take."""
    rows = db.execute("SELECT DISTINCT channel FROM outbox WHERE delivered_at IS NULL")
    return [ChannelName(row[0]) for row in rows]


def delivered(db: sqlite3.Connection, reply_id: str, at: float) -> None:
    """The channel has it. An id that is not known, or known as delivered, changes nothing."""
    db.execute("UPDATE outbox SET delivered_at = ? WHERE id = ? AND delivered_at IS NULL", (at, reply_id))


def told(db: sqlite3.Connection, message_id: MessageId, about: str) -> bool:
    """Whether the sender of the message was told something about that."""
    found = db.execute("SELECT 1 FROM outbox WHERE reply_to = ? AND about = ?", (message_id, about)).fetchone()
    return found is not None


def first_to(db: sqlite3.Connection, message_id: MessageId) -> Reply | None:
    """The (first) reply to a message; what only tells of something is none."""
    row = db.execute(
        "SELECT * FROM outbox WHERE reply_to = ? AND about = '' ORDER BY seq LIMIT 1", (message_id,)
    ).fetchone()
    return None if row is None else reply_of(row)


def reply_of(row: sqlite3.Row) -> Reply:
    has = row.keys()  # older journals have fewer
    return Reply(
        id=MessageId(row["id"]),
        reply_to=MessageId(row["reply_to"]),
        channel=ChannelName(row["channel"]),
        text=row["text"],
        error=row["error"],
        about=row["about"] if "about" in has else "",
        files=row["files"] if "files" in has else "",
        to=links.name_of(row["source_key"] or "") if "source_key" in has else "",
    )
