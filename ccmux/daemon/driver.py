"""Where decisions meet hands: look at everything, let the core decide, do what it says, in that order, again and again.

One cycle runs whenever anything may have changed. Events are only hints to look; nothing is believed that cannot be
looked at again. This is the only file that sees both the core and the hands.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
import uuid
from collections import deque
from collections.abc import Awaitable
from dataclasses import replace

import msgspec

from ccmux.claude import transcript as transcripts
from ccmux.core import delivery as d
from ccmux.core.hookevent import event_of
from ccmux.core.lifecycle import Do, Lifecycle
from ccmux.core.sources import Sources, blocked, read_state
from ccmux.core.transcript import events_of
from ccmux.daemon.hub import Hub
from ccmux.daemon.session import Session
from ccmux.errors import CcmuxError, TmuxError
from ccmux.hooks import spool
from ccmux.journal import inbox, meta, outbox
from ccmux.journal.database import Database
from ccmux.journal.meta import Conversation
from ccmux.model.ids import LOCAL, Generation, MessageId, new_message_id
from ccmux.model.message import Message, MessageState, Reply
from ccmux.model.state import InstanceState
from ccmux.model.turn import PromptAccepted, SessionBegan, TurnEvent

log = logging.getLogger(__name__)

RESCAN = 30.0
"""Seconds after which everything is looked at even when nothing was told."""
_AGAIN_SOON = 2.0
"""Seconds between looks while a message waits for something that nobody announces (a draft, a copy mode, tmux)."""


class Driver:
    """The life of one session and of the messages to it."""

    def __init__(self, session: Session, db: Database, hub: Hub) -> None:
        self.session = session
        self.spec = session.spec
        self._db = db
        self._hub = hub
        self.life = Lifecycle(self.spec.restart)
        self.delivery = d.Delivery(max_attempts=self.spec.delivery.max_attempts)
        self._talk = Conversation()
        self._resuming = False
        self._tail: transcripts.Tail | None = None
        self._trouble_with_tmux = ""

    # life of the driver

    async def recover(self) -> None:
        """Take up what the journal holds. The evidence is read in the first cycle, before anything is decided."""

        def read(
            db: sqlite3.Connection,
        ) -> tuple[list[Message], Conversation, dict[str, MessageId], dict[str, MessageId]]:
            return inbox.unended(db), meta.conversation(db), meta.causes(db), meta.tasks(db)

        messages, self._talk, causes, tasks = await self._db.run(read)
        self.delivery = d.Delivery.recovered(
            messages,
            generation=self._talk.generation or None,
            now=time.monotonic(),
            max_attempts=self.spec.delivery.max_attempts,
            causes=causes,
            tasks=tasks,
        )
        self._follow(self._talk.session_id)
        if self.delivery.current is not None:
            log.info("recovering %s (%s)", self.delivery.current.id, self.delivery.current.state)

    async def run(self) -> None:
        """Cycles until the daemon stops. The session goes on without us."""
        self.life.want(time.monotonic())
        try:
            while not self._hub.stopping.is_set():
                self._hub.changed.clear()
                await self._cycle()
                await self._wait()
        finally:
            await self.session.disconnect()

    def want(self) -> None:
        """A person asked for the session to run: forgive a fault."""
        self.life.want(time.monotonic())
        self._hub.change()

    async def arrived(self, message: Message) -> None:
        """A message that was journalled."""
        await self._do(self.delivery.handle(d.Arrived(message), time.monotonic()))
        self._hub.change()

    @property
    def facts(self) -> dict[str, object]:
        """What `status` tells beside the state."""
        current = self.delivery.current
        in_flight = current is not None and current.state.in_flight
        return {
            "session_id": self._talk.session_id,
            "waiting": len(self.delivery.waiting) + (0 if in_flight or current is None else 1),
            "in_flight": int(in_flight),
            "blocked": self.delivery.blocked if self.delivery.waiting else "",
        }

    # one cycle

    async def _cycle(self) -> None:
        self.delivery.wake_at = None
        try:
            await self._look_and_act()
        except TmuxError as error:
            self._complain(str(error))
            self._wake_in(_AGAIN_SOON)
        else:
            self._trouble_with_tmux = ""

    async def _look_and_act(self) -> None:
        pane = await self.session.look()
        now = time.monotonic()
        alive = pane is not None and not pane.dead
        generation = pane.generation if pane is not None else None
        await self._read_transcript(now)
        await self._read_hooks(now)
        registered = self.session.registered()
        if registered is not None and registered.session_id != self._talk.session_id:
            await self._switch(registered.session_id)
        action = self.life.seen(
            now,
            generation=generation,
            alive=alive,
            registered=registered is not None,
            resuming=self._resuming,
        )
        seen = Sources(self.life.life, pane, registered, trouble=self.delivery.trouble)
        if alive and registered is not None:
            seen = await self._closer(seen)
        wall = time.time()
        pause = self.spec.delivery.typing_pause
        reading = read_state(seen, wall, pause)
        self._hub.read(reading, wall)
        self._hub.facts = {
            "pane": pane.id if pane else "",
            "pid": pane.pid if alive and pane else 0,
            "version": registered.version if registered else "",
        }
        if action is not Do.NOTHING:
            await self._live(action)
            return
        idle = registered is not None and registered.status in ("idle", "shell")
        looked = d.Looked(
            generation if alive else None,
            idle,
            blocked(seen, reading),
            seen.box.text if seen.box is not None and seen.box.present else None,
        )
        await self._do(self.delivery.handle(looked, now))
        if self.delivery.waiting and seen.last_key is not None and reading.state is InstanceState.TYPING:
            self._wake_in(max(0.1, min(_AGAIN_SOON, seen.last_key + pause - wall)))
        elif self.delivery.waiting and self.delivery.current is None and idle and self.delivery.blocked:
            self._wake_in(_AGAIN_SOON)

    async def _closer(self, seen: Sources) -> Sources:
        """Ask tmux more where it matters: keys of people always, the screen only when about to type or in doubt."""
        seen = replace(seen, last_key=await self.session.last_key())
        current = self.delivery.current
        doubt = current is not None and current.state in (
            MessageState.PASTING,
            MessageState.SUBMITTING,
            MessageState.ACCEPTED,
            MessageState.INTERRUPTED,
        )
        idle = seen.registered is not None and seen.registered.status in ("idle", "shell")
        if idle and (doubt or (current is None and self.delivery.waiting)):
            seen = replace(seen, box=await self.session.box())
        return seen

    async def _wait(self) -> None:
        wakes = [self.delivery.wake_at, self.life.wake_at]
        pause = min([RESCAN, *(at - time.monotonic() for at in wakes if at is not None)])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, pause)):
                await self._hub.changed.wait()

    def _wake_in(self, seconds: float) -> None:
        at = time.monotonic() + seconds
        known = self.delivery.wake_at
        self.delivery.wake_at = at if known is None else min(known, at)

    def _complain(self, what: str) -> None:
        if what != self._trouble_with_tmux:
            log.error("%s", what)
            self._trouble_with_tmux = what

    # evidence

    async def _read_transcript(self, now: float) -> None:
        if self._tail is None:
            self._follow(self._talk.session_id)
        if self._tail is None:
            return
        for line in self._tail.lines():
            for event in events_of(line):
                await self._happened(event, now)

    async def _read_hooks(self, now: float) -> None:
        for file, payload in spool.pending(self.session.paths.hook_spool):
            try:
                event = event_of(payload)
            except msgspec.DecodeError as error:
                log.warning("a hook's payload was not understood (%s): %s", error, payload[:200])
                event = None
            if isinstance(event, SessionBegan):
                log.info("session %s began (%s)", event.session_id, event.source)
            elif event is not None:
                if isinstance(event, PromptAccepted):
                    await self._read_transcript(now)
                await self._happened(event, now)
            file.unlink(missing_ok=True)

    async def _happened(self, event: TurnEvent, now: float) -> None:
        if isinstance(event, SessionBegan):
            return
        await self._do(self.delivery.handle(event, now))

    def _follow(self, session_id: str) -> None:
        path = transcripts.find(self.session.paths.claude, session_id)
        self._tail = None if path is None else transcripts.Tail(path, self._talk.cursor)

    async def _switch(self, session_id: str) -> None:
        """Claude itself says which conversation is the current one: ours was resumed, or a person used /clear."""
        log.info("the conversation is now %s (was %s)", session_id, self._talk.session_id or "none")
        self._talk = replace(self._talk, session_id=session_id, cursor=0, transcript="")
        talk = self._talk
        await self._db.run(lambda db: meta.save_conversation(db, talk))
        self._follow(session_id)

    # acts

    async def _live(self, action: Do) -> None:
        """Do what the lifecycle asks for."""
        try:
            match action:
                case Do.START:
                    await self._start()
                case Do.KEEP_SCREEN:
                    await self.session.keep_screen()
                    log.warning("Claude ended; %s", self.life.life)
                case Do.FORGET_CONVERSATION:
                    await self.session.keep_screen()
                    await self._fresh()
                case Do.NOTHING:
                    pass
        except CcmuxError as error:
            log.error("%s", error)  # noqa: TRY400 - the sentence says it all
            self._wake_in(_AGAIN_SOON)
        self._hub.change()

    async def _start(self) -> None:
        if not self._talk.session_id:
            self._talk = replace(self._talk, session_id=str(uuid.uuid4()))
            talk = self._talk
            await self._db.run(lambda db: meta.save_conversation(db, talk))
        resume = self.session.resumable(self._talk.session_id)
        if not resume and self._talk.cursor:
            await self._fresh()  # something was said in it, and it is gone
        self._resuming = resume
        generation = await self.session.start(self._talk.session_id, resume=resume)
        self.life.generation = generation
        log.info("Claude starts (%s %s)", "resume" if resume else "new", self._talk.session_id)

    async def _fresh(self) -> None:
        old = self._talk.session_id
        self._talk = Conversation(session_id=str(uuid.uuid4()), generation=self._talk.generation)
        self._tail = None
        notice = f"The conversation {old} could not be resumed; {self._talk.session_id} begins fresh."
        log.error("%s Its transcript is kept.", notice)
        talk, now = self._talk, time.time()

        def save(db: sqlite3.Connection) -> None:
            meta.save_conversation(db, talk)
            meta.note(db, now, "", "fresh-conversation", old)
            reply_to = MessageId("")
            outbox.put(db, Reply(new_message_id(), reply_to, LOCAL, "", notice), now)

        await self._db.run(save)
        self._hub.kick(LOCAL).set()

    async def _do(self, commands: list[d.Command]) -> None:
        """Carry out commands in order; what comes of one is decided upon before the next."""
        todo = deque(commands)
        while todo:
            result: d.Event | None = None
            match todo.popleft():
                case d.Save(message, note):
                    await self._save(message, note)
                case d.Answer() as answer:
                    await self._answer(answer)
                case d.Remember(prompt_id, message_id):
                    await self._db.run(lambda db, p=prompt_id, m=message_id: meta.remember_cause(db, p, m))  # type: ignore[misc]
                case d.Paste(message, generation):
                    result = d.Pasted(message.nonce, await self._try_paste(message, generation))
                case d.Enter(nonce, generation):
                    result = d.Entered(nonce, await self._try(self.session.enter(nonce, generation)))
                case d.Clear(message, generation):
                    await self._try(self.session.clear(message.id, generation))
            if result is not None:
                todo.extend(self.delivery.handle(result, time.monotonic()))

    async def _try_paste(self, message: Message, generation: Generation) -> str:
        try:
            return await self.session.paste(message, generation)
        except TmuxError as error:
            self._complain(str(error))
            return "unseen"

    async def _try(self, act: Awaitable[bool]) -> bool:
        try:
            return await act
        except TmuxError as error:
            self._complain(str(error))
            return False

    def _position(self) -> Conversation:
        """The conversation as it is to be journalled: everything before the tail's offset has been decided upon."""
        cursor = self._tail.offset if self._tail is not None else 0
        generation = self.delivery.generation or self._talk.generation
        self._talk = replace(self._talk, cursor=cursor, generation=generation)
        return self._talk

    async def _save(self, message: Message, note: str) -> None:
        talk, now = self._position(), time.time()

        def work(db: sqlite3.Connection) -> None:
            inbox.save(db, message, now)
            meta.save_conversation(db, talk)
            meta.note(db, now, message.id, message.state, note)

        await self._db.run(work)
        if note and message.state in (MessageState.RECEIVED, MessageState.INTERRUPTED):
            log.warning("%s: %s (attempt %d)", message.id, note, message.attempt)

    async def _answer(self, answer: d.Answer) -> None:
        """One transaction: the message's end, the reply, what may yet add to it, the cursor."""
        talk, now = self._position(), time.time()

        def work(db: sqlite3.Connection) -> Reply | None:
            message = answer.message or inbox.get(db, answer.message_id)
            if message is None:
                return None
            if answer.message is not None:
                inbox.save(db, message, now)
            reply = Reply(new_message_id(), message.id, message.channel, answer.text, answer.error)
            outbox.put(db, reply, now)
            meta.remember_tasks(db, answer.tasks, message.id)
            meta.forget_cause(db, answer.prompt_id)
            meta.save_conversation(db, talk)
            meta.note(db, now, message.id, "replied" if answer.message is None else str(message.state), answer.error)
            return reply

        reply = await self._db.run(work)
        if reply is not None:
            self._hub.kick(reply.channel).set()
            if answer.message is not None:
                self._hub.end(answer.message_id)
        if answer.error:
            log.warning("%s ended %s: %s", answer.message_id, answer.message and answer.message.state, answer.error)
