"""Where decisions meet hands: look at everything, let the core decide, do what it says, in that order, again and again.

One cycle runs whenever anything may have changed. Events are only hints to look; nothing is believed that cannot be
looked at again. This file and `ccmux.daemon.observer` (which gathers and reads) alone see both the core and the hands.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final

from ccmux import steady
from ccmux.claude import transcript as transcripts
from ccmux.core.activity import Activity, seen
from ccmux.core.commands import Answer, Clear, Command, Enter, Paste, Remember, Save, Stash, Untangle
from ccmux.core.delivery import Delivery
from ccmux.core.envelope import envelope_id
from ccmux.core.events import Arrived, Cancelled, Entered, Event, Looked, Pasted
from ccmux.core.lifecycle import Do, Life, Lifecycle
from ccmux.core.reading import told
from ccmux.core.sources import Pane, Registered
from ccmux.core.transcript import events_of
from ccmux.daemon.budget import Budget
from ccmux.daemon.hub import Hub
from ccmux.daemon.observer import AGAIN_SOON, Observer
from ccmux.daemon.orders import Orders
from ccmux.daemon.record import Record
from ccmux.daemon.renewal import Renewal
from ccmux.daemon.session import Session
from ccmux.daemon.spooled import Spooled
from ccmux.daemon.usage import Usage
from ccmux.errors import CcmuxError, TmuxError, TmuxGone
from ccmux.files import write_private
from ccmux.journal.meta import Conversation
from ccmux.model.ids import Generation, MessageId
from ccmux.model.instance import Role
from ccmux.model.message import Message, MessageState
from ccmux.model.state import InstanceState, Reading
from ccmux.model.turn import PromptAccepted, PromptCommitted, SessionBegan, TurnEvent, TurnInterrupted

log = logging.getLogger(__name__)

LOOKS_WITHIN = 1.0
"""Seconds that somebody waits for a look of this moment."""
LATER = 10.0
"""Seconds by which projects let the assistant go first when the API works again."""
DRAWN = 2.0
"""Seconds after which Claude, however busy the machine, has drawn what follows from a key."""
RESCAN = 30.0
"""Seconds after which everything is looked at even when nothing was told."""


_WITH_CLAUDE: Final = frozenset({MessageState.ACCEPTED, MessageState.COMMITTED})


class Driver:
    """The life of one session and of the messages to it."""

    def __init__(
        self, session: Session, record: Record, hub: Hub, orders: Orders, *, usage: Usage, budget: Budget
    ) -> None:
        self.session = session
        self.orders = orders
        self.usage = usage
        self._budget = budget
        self.spec = session.spec
        self._record = record
        self._hub = hub
        self.life = Lifecycle(self.spec.restart)
        self.delivery = Delivery(max_attempts=self.spec.delivery.max_attempts)
        self._talk = Conversation()
        self._resuming = False
        self._tail: transcripts.Tail | None = None
        self._trouble = ""
        self._serverless = False
        self._renewal = Renewal(session, self.life)
        self._left_menu_at = -DRAWN
        self._interrupted: MessageId | None = None
        """whose turn a person has ordered to stop"""
        self._observer = Observer(session, hub, self._wake_in)
        self._spooled = Spooled(session.paths.hook_spool)

    # life of the driver

    async def recover(self) -> None:
        """Take up what the journal holds. The evidence is read in the first cycle, before anything is decided."""
        await self.orders.load()
        await self.usage.load()
        await self._budget.load()
        kept = await self._record.load()
        self._talk = kept.talk
        self.delivery = Delivery.recovered(
            kept.messages,
            generation=self._talk.generation or None,
            now=steady.now(),
            max_attempts=self.spec.delivery.max_attempts,
            causes=kept.causes,
            tasks=kept.tasks,
            stashed=self._talk.stashed or None,
            past=kept.nonces,
            others=kept.others[0],
            told=kept.others[1],
        )
        self.delivery.later = 0.0 if self.spec.role is Role.ASSISTANT else LATER
        self._follow(self._talk.session_id)
        if self.delivery.current is not None:
            log.info("recovering %s (%s)", self.delivery.current.id, self.delivery.current.state)

    async def run(self) -> None:
        """Cycles until the daemon stops. The session goes on without us."""
        self.life.want(steady.now())
        try:
            while not self._hub.stopping.is_set():
                self._hub.changed.clear()
                self._look_at_the_ground()
                await self._cycle()
                self._hub.looked()
                await self._wait()
        finally:
            await self.session.disconnect()

    def want(self) -> None:
        """A person asked for the session to run: forgive a fault."""
        self.life.want(steady.now())
        self._hub.change()

    async def arrived(self, message: Message) -> None:
        """A message that was journalled."""
        first = not self.delivery.waiting
        await self._do(self.delivery.handle(Arrived(message), steady.now()))
        if first:  # else what it waits for is being waited for already
            self._hub.change()

    async def look(self) -> None:
        """Have everything looked at now."""
        await self._hub.look(LOOKS_WITHIN)

    def message_of(self, prompt_id: str) -> MessageId | None:
        """The message that works in the turn of that prompt."""
        return self.delivery.message_of(prompt_id)

    def knows_other(self, prompt_id: str) -> bool:
        """Whether that turn is known to be the terminal's."""
        return self.delivery.knows_other(prompt_id)

    def ahead(self, message_id: MessageId) -> int:
        """How many messages come before that one."""
        return self.delivery.ahead(message_id)

    async def cancel(self, message_id: MessageId) -> bool:
        """End a message that waits; False when it does not wait (any more)."""
        commands = self.delivery.handle(Cancelled(message_id), steady.now())
        await self._do(commands)
        return bool(commands)

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

    @property
    def held_until(self) -> float:
        """Wall clock at which the API is asked again; 0 when nothing is held."""
        if not self.delivery.trouble:
            return self._hub.held_until
        wall = time.time()
        left = max(self.delivery.hold_until - steady.now(), self.delivery.refused_for(wall))
        return max(round(wall + left, 3) if left > 0 else 0.0, self._hub.held_until)

    # one cycle

    def _look_at_the_ground(self) -> None:
        """Somebody wiped `run/` under us: our FIFOs and sockets lead nowhere. End in order, and begin anew."""
        if not self.session.paths.control_socket.exists() and not self._hub.stopping.is_set():
            log.error("%s was wiped: the daemon begins anew", self.session.paths.run)
            self._hub.again = True
            self._hub.stopping.set()

    async def _cycle(self) -> None:
        self.delivery.wake_at = None
        try:
            await self._look_and_act()
        except (TmuxError, OSError) as error:  # no descriptor is left, say: what was not done is seen at the next look
            self._complain(str(error))
            self._wake_in(AGAIN_SOON)
        else:
            self._trouble = ""

    async def _look_and_act(self) -> None:
        pane = await self.session.look()
        now, wall = steady.now(), time.time()
        alive = pane is not None and not pane.dead
        generation = pane.generation if pane is not None else None
        registered = self.session.registered()
        await self._read_transcript(now)
        await self._read_hooks(now, follow=registered is None)
        if registered is not None and registered.session_id != self._talk.session_id:
            await self._switch(registered.session_id)
        await self._notice_interruption(registered, now)
        seen = await self._observer.sources(pane, registered, self.life.life, self.delivery, now)
        if seen.without_registry:
            await self._find_conversation()
        said = told(seen) if alive else None
        action = self.life.seen(
            now, generation=generation, alive=alive, registered=said is not None, resuming=self._resuming
        )
        seen = replace(seen, life=self.life.life)
        if said is not None and said.waiting_for == "dialog open" and pane is not None and await self._leave_menu(pane):
            self._wake_in(AGAIN_SOON)
            return
        await self._count(wall, calm=said is None or said.idle)
        reading = self._observer.read(seen, wall)
        if pane is not None or self.life.life is Life.FAULTED:
            self._hub.adopted.set()
        if action is not Do.NOTHING:
            await self._live(action)
            return
        looked = self._observer.looked(seen, reading, said, self.delivery, wall)
        if self.session.owes_words and await self._give_back(looked):
            self._wake_in(AGAIN_SOON)
            return
        if pane is not None and not self._needed(registered, pane) and await self._renewal.carry_out(pane, now):
            self._wake_in(0.0)
            return
        if self._hub.tidy and looked.idle and looked.box is not None and self.delivery.current is None:
            await self._tidy(looked)
        if self.delivery.current is None and await self.orders.carry_out(looked):
            self._wake_in(AGAIN_SOON)
            return
        await self._do(self.delivery.handle(looked, now))
        self._hub.act(self._activity(reading, wall))
        if looked.idle or reading.state is InstanceState.TYPING or seen.without_registry:
            self._observer.wake_for_people(seen, reading, self.delivery, wall)

    def _activity(self, reading: Reading, wall: float) -> Activity:
        """The turn that runs: it is another one when another message is with Claude."""
        current = self.delivery.current
        if reading.state not in (InstanceState.BUSY, InstanceState.WAITING):
            return Activity() if reading.state is InstanceState.IDLE else self._hub.activity
        caused = current.id if current is not None and current.state in _WITH_CLAUDE else MessageId("")
        known = self._hub.activity
        return known if known.since and known.message_id == caused else Activity(caused, wall)

    async def _count(self, wall: float, *, calm: bool) -> None:
        """What was used, and whether that was too much."""
        if await self.usage.read(self._tail.path if self._tail is not None else None, calm=calm):
            self._wake_in(0.0)
        await self._budget.judge()
        if self._hub.held_until:
            self._wake_in(max(0.05, self._hub.held_until - wall))

    async def _leave_menu(self, pane: Pane) -> bool:
        """Whether Claude's menu of a limit, which would keep messages waiting for a person, was left while nobody is there."""
        waits = self.delivery.current is not None or bool(self.delivery.waiting)
        if pane.people or not waits:
            return False
        if steady.now() - self._left_menu_at < DRAWN:
            return True  # it may yet be on the screen, and a second Esc would open another one
        if not await self._try(self.session.leave_limit_menu()):
            return False
        self._left_menu_at = steady.now()
        log.info("the menu that Claude opened at a limit was left: it waits")
        return True

    async def resume(self, who: str) -> None:
        """A person says that it shall go on: after a pause, and in spite of a budget."""
        await self.orders.resume(who)
        await self._budget.override(who)

    async def _give_back(self, looked: Looked) -> bool:
        """Whether a person's words that were taken out of the box are back, where a daemon died in between."""
        calm = looked.idle and looked.blocked in ("", "draft") and looked.box is not None
        return calm and await self._try(self.session.give_back(looked.box or ""))

    def renew(self, why: str) -> None:
        """Have Claude started anew, with its conversation, when nobody and nothing needs it."""
        self._renewal.want(why)
        self._hub.change()

    @property
    def renewed(self) -> bool:
        """Whether that has been done, and Claude is ready."""
        return self._renewal.done

    async def interrupt(self, who: str) -> None:
        """Stop the running turn, as a person ordered. Raises Refused when none runs."""
        current = self.delivery.current
        await self.orders.interrupt(who)
        self._interrupted = current.id if current is not None else None
        self._wake_in(AGAIN_SOON)
        self._hub.change()

    async def _notice_interruption(self, registered: Registered | None, now: float) -> None:
        """The turn that was ordered to stop has stopped: no hook tells of it, and not always a row."""
        if self._interrupted is None:
            return
        current = self.delivery.current
        if current is None or current.id != self._interrupted:
            self._interrupted = None
        elif registered is None or registered.status in ("idle", "shell"):
            self._interrupted = None
            self._hub.tidy = True
            await self._happened(TurnInterrupted(""), now)
        else:
            self._wake_in(AGAIN_SOON)

    async def _tidy(self, looked: Looked) -> None:
        """A turn that was ordered to stop before it said anything: Claude puts its prompt back into the box. Take it out."""
        if looked.box and envelope_id(looked.box) and looked.generation is not None:
            await self._try(self.session.clear_left_over(looked.generation))
            self._wake_in(AGAIN_SOON)
        else:
            self._hub.tidy = False

    def _needed(self, registered: Registered | None, pane: Pane | None) -> bool:
        """Whether anybody or anything needs this Claude to go on as it is: a person, a message, a draft, a shell of its own."""
        delivery = self.delivery
        if pane is None or pane.people or registered is None or registered.status != "idle":
            return True
        return bool(delivery.current or delivery.waiting or delivery.stashed or self._observer.draft)

    async def _wait(self) -> None:
        wakes = [self.delivery.wake_at, self.life.wake_at]
        pause = min([RESCAN, *(at - steady.now() for at in wakes if at is not None)])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, pause)):
                await self._hub.changed.wait()

    def _wake_in(self, seconds: float) -> None:
        at = steady.now() + seconds
        known = self.delivery.wake_at
        self.delivery.wake_at = at if known is None else min(known, at)

    def _complain(self, what: str) -> None:
        if what != self._trouble:
            log.error("%s", what)
            self._trouble = what

    # evidence

    async def _read_transcript(self, now: float) -> None:
        if self._tail is None or not self._tail.path.exists():
            self._follow(self._talk.session_id)
        if self._tail is None:
            return
        for line in self._tail.lines():
            for words in seen(line):
                self._hub.act(self._hub.activity.doing(words))
            for event in events_of(line):
                self._observer.heard_row(event)
                await self._happened(event, now)

    async def _read_hooks(self, now: float, *, follow: bool) -> None:
        """Take in what hooks left; `follow`: a session that begins is the current one (else the registry tells)."""
        for event, written_at in self._spooled.events(self.delivery.keeps):
            self._observer.heard_hook(event, written_at)
            if isinstance(event, SessionBegan):
                log.info("session %s began (%s)", event.session_id, event.source)
                if follow and event.session_id != self._talk.session_id:
                    await self._switch(event.session_id)
                continue
            if isinstance(event, PromptAccepted):
                await self._read_transcript(now)
            await self._happened(event, now)

    async def _happened(self, event: TurnEvent, now: float) -> None:
        if isinstance(event, SessionBegan):
            return
        if isinstance(event, PromptCommitted):
            if not self._talk.spoken:
                self._talk = replace(self._talk, spoken=True)
                await self._record.keep(self._talk)
            await self._record.turn(event.prompt_id, *self.delivery.cause(event))
        await self._do(self.delivery.handle(event, now))

    def _follow(self, session_id: str) -> None:
        path = transcripts.find(self.session.paths.claude, session_id)
        if path is None:
            self._tail = None
            return
        same = self._talk.transcript in ("", str(path))
        self._tail = transcripts.Tail(path, self._talk.cursor if same else 0)
        self._talk = replace(self._talk, transcript=str(path))

    async def _find_conversation(self) -> None:
        """Nobody tells of a /clear where there is neither registry nor hook: look where our prompt has gone."""
        current = self.delivery.current
        if current is None or current.state not in (MessageState.SUBMITTING, MessageState.ACCEPTED):
            return
        found = transcripts.holding(self.session.paths.claude, current.nonce, self._talk.session_id)
        if found:
            await self._switch(found)
            await self._read_transcript(steady.now())

    async def _switch(self, session_id: str) -> None:
        """Claude itself says which conversation is the current one: ours was resumed, or a person used /clear."""
        log.info("the conversation is now %s (was %s)", session_id, self._talk.session_id or "none")
        self._talk = replace(self._talk, session_id=session_id, cursor=0, transcript="", spoken=False)
        await self._record.keep(self._talk)
        self.usage.look_everywhere()
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
        except TmuxGone as error:  # the service of the session has not started its server yet
            if not self._serverless:
                log.warning("%s", error)
            self._serverless = True
            self.life.without_server(steady.now())
            return
        except (CcmuxError, OSError) as error:
            log.error("%s", error)  # noqa: TRY400 - the sentence says it all
            self._wake_in(AGAIN_SOON)
        self._hub.change()

    async def _start(self) -> None:
        if not self._talk.session_id:
            self._talk = replace(self._talk, session_id=str(uuid.uuid4()))
            await self._record.keep(self._talk)
        resume = self.session.resumable(self._talk.session_id)
        if not resume and self._talk.spoken:
            await self._fresh()
        self._resuming = False  # a start that fails says nothing about the conversation
        generation = await self.session.start(self._talk.session_id, resume=resume)
        self._resuming = resume
        self._serverless = False
        self.life.generation = generation
        log.info("Claude starts (%s %s)", "resume" if resume else "new", self._talk.session_id)

    async def _fresh(self) -> None:
        old = self._talk.session_id
        self._talk = Conversation(session_id=str(uuid.uuid4()), generation=self._talk.generation)
        self._tail = None
        await self._record.fresh(old, self._talk)

    async def _do(self, commands: list[Command]) -> None:
        """Carry out commands in order; what comes of one is decided upon before the next."""
        todo = deque(commands)
        while todo:
            result: Event | None = None
            match todo.popleft():
                case Save(message, note, tell):
                    await self._record.save(message, note, self._position(), tell)
                case Answer() as answer:
                    await self._record.answer(answer, self._position())
                case Remember(prompt_id, message_id):
                    await self._record.remember(prompt_id, message_id)
                case Paste(message, generation):
                    result = Pasted(message.nonce, await self._try_paste(message, generation))
                case Enter(nonce, generation):
                    result = Entered(nonce, await self._try(self.session.enter(nonce, generation)))
                case Clear(message, generation):
                    await self._try(self.session.clear(message, generation))
                case Untangle(message, generation):
                    await self._try(self.session.untangle(message, generation))
                case Stash(generation):
                    await self._stash(generation)
            if result is not None:
                todo.extend(self.delivery.handle(result, steady.now()))

    async def _stash(self, generation: Generation) -> None:
        """Journal that a draft is (to be) set aside, keep its text in a file, then press the key."""
        await self._record.keep(self._position())
        draft = self._observer.draft
        if draft:
            write_private(self.session.paths.draft, draft.encode("utf-8", "replace"))
        if await self._try(self.session.stash(generation, draft)) and draft:
            self._wake_in(0.0)  # what a person types from now on stands apart from the draft
            log.info("a draft of %d characters is set aside for a message, and put back after it", len(draft))

    async def _try_paste(self, message: Message, generation: Generation) -> str:
        try:
            return await self.session.paste(message, generation)
        except (TmuxError, OSError) as error:
            self._complain(str(error))
            return "unseen"

    async def _try(self, act: Awaitable[bool]) -> bool:
        try:
            return await act
        except (TmuxError, OSError) as error:
            self._complain(str(error))
            return False

    def _position(self) -> Conversation:
        """The conversation as it is to be journalled: everything before the tail's offset has been decided upon."""
        cursor = self._tail.offset if self._tail is not None else 0
        generation = self.delivery.generation or self._talk.generation
        stashed = self.delivery.stashed or Generation("")
        self._talk = replace(self._talk, cursor=cursor, generation=generation, stashed=stashed)
        return self._talk
