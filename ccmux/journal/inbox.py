"""Messages in the journal: taken once, followed through their states."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from ccmux.errors import Refused
from ccmux.model.ids import ChannelName, MessageId, Nonce
from ccmux.model.message import Attachment, Message, MessageState

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[Attachment, ...]).decode
_ENDED = "('done', 'rejected', 'dead')"


@dataclass(frozen=True, slots=True)
class Limits:
    """What may wait in one journal."""

    rows: int
    bytes: int
    rows_of_sender: int


def put(
    db: sqlite3.Connection, message: Message, *, source_key: str | None = None, limits: Limits | None = None
) -> MessageId:
    """Take a message. The same source key gives the first message's id again and takes nothing.

    Raises Refused when as much waits already as the limits allow: then nothing is taken.
    """
    known = known_by(db, source_key)
    if known is not None:
        return known
    size = len(message.text.encode("utf-8", "surrogatepass"))
    if limits is not None:
        _within(db, message.sender, size, limits)
    db.execute(
        "INSERT INTO inbox (id, source_key, channel, sender, text, received_at, state, reason, updated_at, attachments,"
        " size, urgent, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            size,
            message.urgent,
            message.expires_at,
        ),
    )
    return message.id


def known_by(db: sqlite3.Connection, source_key: str | None) -> MessageId | None:
    """The message that was taken with that source key."""
    if source_key is None:
        return None
    row = db.execute("SELECT id FROM inbox WHERE source_key = ?", (source_key,)).fetchone()
    return None if row is None else MessageId(row["id"])


def _within(db: sqlite3.Connection, sender: str, size: int, limits: Limits) -> None:
    rows, held = db.execute("SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM held").fetchone()
    found = db.execute("SELECT rows FROM held WHERE sender = ?", (sender,)).fetchone()
    of_sender = found[0] if found else 0
    if rows >= limits.rows:
        what = f"{rows} messages are waiting already (delivery.max_waiting)"
    elif held + size > limits.bytes:
        what = f"{held} bytes of messages are waiting already (delivery.max_waiting_bytes)"
    elif of_sender >= limits.rows_of_sender:
        what = f"{of_sender} messages of {sender} are waiting already (delivery.max_waiting_per_sender)"
    else:
        return
    raise Refused(f"{what}; this one was not taken", fix="try again later")


def save(db: sqlite3.Connection, message: Message, at: float) -> None:
    """The message as it is now."""
    db.execute(
        "UPDATE inbox SET state = ?, attempt = ?, nonce = ?, prompt_id = ?, resumed = ?, reason = ?,"
        " expires_at = ?, updated_at = ? WHERE id = ?",
        (
            message.state,
            message.attempt,
            message.nonce,
            message.prompt_id,
            message.resumed,
            message.reason,
            message.expires_at,
            at,
            message.id,
        ),
    )


def get(db: sqlite3.Connection, message_id: MessageId) -> Message | None:
    row = db.execute("SELECT * FROM inbox WHERE id = ?", (message_id,)).fetchone()
    return None if row is None else message_of(row)


def unended(db: sqlite3.Connection) -> list[Message]:
    """Every message that has not ended: urgent ones first, then in the order in which they came."""
    rows = db.execute(f"SELECT * FROM inbox WHERE state NOT IN {_ENDED} ORDER BY urgent DESC, seq")  # noqa: S608 - a constant
    return [message_of(row) for row in rows]


def given_up(db: sqlite3.Connection) -> list[Message]:
    """Every message that ended dead, oldest first."""
    return [message_of(row) for row in db.execute("SELECT * FROM inbox WHERE state = 'dead' ORDER BY seq")]


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
        urgent=bool(row["urgent"]) if "urgent" in row.keys() else False,  # noqa: SIM118
        expires_at=row["expires_at"] if "expires_at" in row.keys() else 0.0,  # noqa: SIM118
    )
