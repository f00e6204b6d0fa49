"""What the driver has the journal remember: each method is one transaction, done when it is committed.

While the disk does not take it, it waits: nothing that would follow from it is done.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from dataclasses import dataclass

from ccmux.core.commands import Answer
from ccmux.core.delivery import REMEMBERED
from ccmux.core.outgoing import FILE
from ccmux.daemon.hub import Hub
from ccmux.daemon.outgoing import Outgoing
from ccmux.journal import inbox, meta, outbox, turns
from ccmux.journal.database import Database
from ccmux.journal.meta import Conversation
from ccmux.model.ids import LOCAL, MessageId, Nonce, new_message_id
from ccmux.model.message import Message, MessageState, Reply
from ccmux.model.turn import Cause

log = logging.getLogger(__name__)

HELD = "held"
"""What a line tells of that says why an answer is late."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the journal held when the daemon began."""

    messages: list[Message]
    """that have not ended, oldest first"""
    talk: Conversation
    causes: dict[str, MessageId]
    tasks: dict[str, MessageId]
    nonces: dict[Nonce, MessageId]
    """of every attempt at those messages"""
    others: tuple[list[str], list[str]]
    """the latest turns that no message began, and those of them whose end was told"""


def _kept(db: sqlite3.Connection) -> Kept:
    return Kept(
        inbox.unended(db),
        meta.conversation(db),
        meta.causes(db),
        meta.tasks(db),
        meta.nonces(db),
        turns.others(db, REMEMBERED),
    )


def _proof(message: Message) -> str:
    """What the ledger keeps of an attempt: by this nonce its prompt can be known for ever."""
    return message.nonce if message.state is MessageState.PASTING else message.prompt_id


class Record:
    """The journal as the driver writes it."""

    def __init__(self, db: Database, hub: Hub, outgoing: Outgoing) -> None:
        self._db = db
        self._hub = hub
        self._outgoing = outgoing

    async def load(self) -> Kept:
        """Everything that a new daemon takes up."""
        return await self._db.read(_kept)

    async def keep(self, talk: Conversation) -> None:
        await self._db.insist(lambda db: meta.save_conversation(db, talk))

    async def remember(self, prompt_id: str, message_id: MessageId) -> None:
        await self._db.insist(lambda db: meta.remember_cause(db, prompt_id, message_id))

    async def save(self, message: Message, note: str, talk: Conversation, tell: str = "") -> None:
        """The message as it is now, before anything that follows from it is done; and once what its sender is told."""
        now = time.time()

        def work(db: sqlite3.Connection) -> None:
            inbox.save(db, message, now)
            meta.save_conversation(db, talk)
            meta.note(db, now, message.id, message.state, note or _proof(message))
            if tell and not outbox.told(db, message.id, HELD):
                outbox.put(db, Reply(new_message_id(), message.id, message.channel, tell, about=HELD), now)

        await self._db.insist(work)
        if tell:
            self._hub.kick(message.channel).set()
        if note and message.state in (MessageState.RECEIVED, MessageState.INTERRUPTED):
            log.warning("%s: %s (attempt %d)", message.id, note, message.attempt)

    async def answer(self, answer: Answer, talk: Conversation) -> None:
        """The message's end, the reply, what may yet add to it, the cursor."""
        now = time.time()
        reply_id = new_message_id()
        text, files = answer.text, ""
        if FILE in text:
            text, files = await asyncio.to_thread(self._outgoing.collect, text, reply_id)

        def work(db: sqlite3.Connection) -> Reply | None:
            message = answer.message or inbox.get(db, answer.message_id)
            if message is None:
                return None
            if answer.message is not None:
                inbox.save(db, message, now)
            reply = Reply(reply_id, message.id, message.channel, text, answer.error, files=files)
            outbox.put(db, reply, now)
            meta.remember_tasks(db, answer.tasks, message.id)
            if answer.message is None:
                turns.tell(db, turns.Turn(answer.prompt_id, now, Cause.TASK, message.id))
            meta.forget_cause(db, answer.prompt_id)
            meta.save_conversation(db, talk)
            meta.note(db, now, message.id, "replied" if answer.message is None else str(message.state), answer.error)
            return reply

        reply = await self._db.insist(work)
        if reply is not None:
            self._hub.kick(reply.channel).set()
            if answer.message is not None:
                self._hub.end(answer.message_id)
        if answer.error and answer.message is not None:
            log.warning("%s ended %s: %s", answer.message_id, answer.message.state, answer.error)

    async def turn(self, prompt_id: str, cause: Cause, message_id: MessageId) -> None:
        """Why a turn began."""
        await self._db.insist(lambda db: turns.put(db, turns.Turn(prompt_id, time.time(), cause, message_id)))

    async def fresh(self, old: str, talk: Conversation) -> None:
        """Another conversation begins because the old one cannot go on; whoever reads `out.local` is told."""
        notice = f"The conversation {old} could not be resumed; {talk.session_id} begins fresh."
        log.error("%s Its transcript is kept.", notice)
        now = time.time()

        def work(db: sqlite3.Connection) -> None:
            meta.save_conversation(db, talk)
            meta.note(db, now, "", "fresh-conversation", old)
            outbox.put(db, Reply(new_message_id(), MessageId(""), LOCAL, "", notice), now)

        await self._db.insist(work)
        self._hub.kick(LOCAL).set()
