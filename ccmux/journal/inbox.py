"""Messages in the journal: taken once, followed through their states."""

from __future__ import annotations

import sqlite3

import msgspec

from ccmux.errors import Refused
from ccmux.model.ids import ChannelName, MessageId, Nonce
from ccmux.model.message import Attachment, Message, MessageState

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[Attachment, ...]).decode
_ENDED = "('done', 'rejected', 'dead')"


def put(
    db: sqlite3.Connection, message: Message, *, source_key: str | None = None, max_waiting: int | None = None
) -> MessageId:
    """Take a message. The same source key gives the first message's id again and takes nothing.

    Raises Refused when `max_waiting` messages have not ended yet.
    """
    if source_key is not None:
        known = db.execute("SELECT id FROM inbox WHERE source_key = ?", (source_key,)).fetchone()
        if known is not None:
            return MessageId(known["id"])
    if max_waiting is not None and waiting(db) >= max_waiting:
        raise Refused(f"{max_waiting} messages are waiting already; this one was not taken", fix="try again later")
    db.execute(
        "INSERT INTO inbox (id, source_key, channel, sender, text, received_at, state, reason, updated_at, attachments)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.id,
            source_key,
            message.channel,
            message.sender,
            message.text,
            message.received_at,
            message.state,
            message.reason,
            message.received_at,
            _encode(message.attachments).decode(),
        ),
    )
    return message.id


def save(db: sqlite3.Connection, message: Message, at: float) -> None:
    """The message as it is now."""
    db.execute(
        "UPDATE inbox SET state = ?, attempt = ?, nonce = ?, prompt_id = ?, resumed = ?, reason = ?, updated_at = ?"
        " WHERE id = ?",
        (
            message.state,
            message.attempt,
            message.nonce,
            message.prompt_id,
            message.resumed,
            message.reason,
            at,
            message.id,
        ),
    )


def get(db: sqlite3.Connection, message_id: MessageId) -> Message | None:
    row = db.execute("SELECT * FROM inbox WHERE id = ?", (message_id,)).fetchone()
    return None if row is None else message_of(row)


def unended(db: sqlite3.Connection) -> list[Message]:
    """Every message that has not ended, in the order in which they came."""
    rows = db.execute(f"SELECT * FROM inbox WHERE state NOT IN {_ENDED} ORDER BY seq")  # noqa: S608 - a constant
    return [message_of(row) for row in rows]


def waiting(db: sqlite3.Connection) -> int:
    return int(db.execute(f"SELECT count(*) FROM inbox WHERE state NOT IN {_ENDED}").fetchone()[0])  # noqa: S608


def dead(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM inbox WHERE state = 'dead'").fetchone()[0])


def message_of(row: sqlite3.Row) -> Message:
    return Message(
        id=MessageId(row["id"]),
        channel=ChannelName(row["channel"]),
        sender=row["sender"],
        text=row["text"],
        received_at=row["received_at"],
        state=MessageState(row["state"]),
        attempt=row["attempt"],
        nonce=Nonce(row["nonce"]),
        prompt_id=row["prompt_id"],
        resumed=bool(row["resumed"]),
        reason=row["reason"],
        attachments=_decode(row["attachments"]) if "attachments" in row.keys() else (),  # noqa: SIM118 - not a dict
    )
