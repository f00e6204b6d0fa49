"""What a person may do with one message: try a given-up one again, put it away, take back one that waits."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from typing import Any

from ccmux.daemon.driver import Driver
from ccmux.errors import Refused, UsageError
from ccmux.journal import inbox, meta
from ccmux.journal.database import Database
from ccmux.model.ids import MessageId, Nonce
from ccmux.model.message import Message, MessageState


class Desk:
    """Each act is one transaction, then the driver is told."""

    def __init__(self, driver: Driver, db: Database) -> None:
        self._driver = driver
        self._db = db

    async def do(self, what: str, message_id: MessageId) -> dict[str, Any]:
        """Do it; the message's new state. Raises Refused when its state does not allow it."""
        if what == "cancel":
            return {"id": message_id, "state": await self._cancel(message_id)}
        message = await self._db.run(lambda db: self._change(db, what, message_id))
        if what == "retry":
            await self._driver.arrived(message)
        return {"id": message_id, "state": message.state}

    async def _cancel(self, message_id: MessageId) -> MessageState:
        if not await self._driver.cancel(message_id):
            message = await self._db.read(lambda db: _known(db, message_id))
            why = "it has ended" if message.state.ended else "Claude has it, or is about to"
            raise Refused(
                f"{message_id} is {message.state} and cannot be cancelled: {why}",
                fix="attach and press Esc to stop a turn" if not message.state.ended else "",
            )
        return MessageState.REJECTED

    @staticmethod
    def _change(db: sqlite3.Connection, what: str, message_id: MessageId) -> Message:
        message = _known(db, message_id)
        dead = message.state is MessageState.DEAD
        if what == "drop":
            if not dead:
                raise Refused(
                    f"{message_id} is {message.state}: only a dead message can be dropped", fix="ccmux cancel ID"
                )
            changed = replace(message, state=MessageState.REJECTED, reason=f"dropped by a person: {message.reason}")
        else:
            if not (dead or message.state is MessageState.REJECTED):
                raise Refused(f"{message_id} is {message.state}: only one that ended without an answer can be retried")
            changed = replace(
                message,
                state=MessageState.RECEIVED,
                attempt=0,
                nonce=Nonce(""),
                resumed=False,
                reason="",
                expires_at=0.0,
            )
        now = time.time()
        inbox.save(db, changed, now)
        meta.note(db, now, message_id, "dropped" if what == "drop" else "retried", "by a person")
        return changed


def _known(db: sqlite3.Connection, message_id: MessageId) -> Message:
    message = inbox.get(db, message_id)
    if message is None:
        raise UsageError(f"there is no message {message_id}")
    return message
