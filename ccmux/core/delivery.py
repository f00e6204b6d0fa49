"""The way of one message into Claude and of its answer out: a table of (state of the message in flight, event).

Rules of this file: at most one message is in flight; what a command will do is journalled before it is done (`Save` comes
before `Paste` and `Enter`, with the attempt counted); a message whose user row stands in the transcript is never typed
again; what cannot be known is waited for. Nothing is ever sent again because it is late: only because evidence says that
it did not arrive.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final

from ccmux.core.commands import Answer, Clear, Command, Enter, Paste, Remember, Save, Stash, Untangle
from ccmux.core.envelope import envelope_id, holds_envelope, is_ours, is_whole
from ccmux.core.events import Arrived, Cancelled, Entered, Event, Looked, Pasted
from ccmux.core.limit import left, words_of
from ccmux.model.ids import Generation, MessageId, Nonce, new_nonce
from ccmux.model.message import Message, MessageState
from ccmux.model.turn import (
    Cause,
    FinalText,
    LimitTold,
    PromptAccepted,
    PromptCommitted,
    TurnEnded,
    TurnFailed,
    TurnInterrupted,
)

ACCEPT_WITHIN: Final = 5.0
"""Seconds after Enter in which Claude's hook (0.05 to 0.2 s, measured) must have named the nonce."""
SETTLED: Final = 10.0
"""Seconds of idle with no trace of the nonce after which the text certainly did not enter."""
STOP_LOST: Final = 2.0
"""Seconds of idle after a turn without its Stop hook: it runs before Claude becomes idle, so then it was lost."""
ENTERS: Final = 3
"""How often Enter is pressed while the box still shows the nonce."""
HOLD: Final = 60.0
"""Seconds to wait after the API refused a turn, doubled with every refusal, at most HOLD_LONGEST."""
HOLD_LONGEST: Final = 900.0
HOPELESS: Final = frozenset({"invalid_request", "model_not_found", "max_output_tokens"})
"""API refusals that the same prompt will meet again."""
BREATH: Final = 0.2
"""Seconds between two attempts, so that a refusal that persists is no hot loop."""
UNTANGLE: Final = 2.0
"""Seconds between two attempts to part a person's words from ours."""
REMEMBERED: Final = 16
"""Turns of others that are remembered; only the latest can matter."""
RESUMED: Final = "[resumed after an interruption]\n\n"


@dataclass(slots=True)
class Delivery:
    """Everything that is decided about messages. Owned by the driver, which journals what it says."""

    max_attempts: int = 5
    later: float = 0.0
    """seconds by which this one lets others go first when the API works again"""
    nonces: Callable[[], Nonce] = new_nonce
    waiting: deque[Message] = field(default_factory=deque)
    current: Message | None = None
    generation: Generation | None = None
    """in which the current message was typed"""
    living: Generation | None = None
    """of the Claude that was last seen alive"""
    causes: dict[str, MessageId] = field(default_factory=dict)
    """prompt id -> the message that caused the turn"""
    tasks: dict[str, MessageId] = field(default_factory=dict)
    """background task -> the message in whose turn it was started"""
    trouble: str = ""
    """why the API refused the latest turn; empty once it answered again"""
    stashed: Generation | None = None
    """in which we had Claude set a person's draft aside; it is still to be put back"""
    hold_until: float = 0.0
    resets_at: float = 0.0
    """wall clock at which the API says that it will answer again; 0 when it told none"""
    wake_at: float | None = None
    blocked: str = ""
    _holds: int = 0
    _wall: float = 0.0
    """wall clock less `now`, at the latest look"""
    _held: set[tuple[str, str]] = field(default_factory=set)
    """channels and senders that were told of the hold that lasts"""
    _entered_at: float = 0.0
    _enters: int = 0
    _idle_since: float | None = None
    _final: FinalText | None = None
    _passed: bool = False
    """a later prompt is in the transcript: what ends now is not the turn of the current message"""
    _past: dict[Nonce, MessageId] = field(default_factory=dict)
    """nonces of earlier attempts: their row may still come"""
    _early_ends: OrderedDict[str, TurnEnded | TurnFailed] = field(default_factory=OrderedDict)
    """Stop hooks of turns that are not (yet) known to be a message's"""
    _others: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """ids of turns that other prompts began"""
    _told: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """ids of turns of tasks whose end was told"""

    @classmethod
    def recovered(
        cls,
        messages: Iterable[Message],
        *,
        generation: Generation | None,
        now: float,
        max_attempts: int = 5,
        causes: dict[str, MessageId] | None = None,
        tasks: dict[str, MessageId] | None = None,
        stashed: Generation | None = None,
        past: dict[Nonce, MessageId] | None = None,
        others: Iterable[str] = (),
        told: Iterable[str] = (),
    ) -> Delivery:
        """From the journal: all messages that have not ended, oldest first. The evidence is read again after this.

        `past` are the nonces of every attempt at them; `others` the ids of the latest turns that no message began, and `told`
        of those of tasks whose end was told, oldest first.
        """
        machine = cls(max_attempts=max_attempts, causes=causes or {}, tasks=tasks or {}, stashed=stashed)
        machine.living = generation  # until it is seen: a late row tells of the life in which it was typed
        machine._others = OrderedDict.fromkeys(others)
        machine._told = OrderedDict.fromkeys(told)
        for message in messages:
            if message.state is MessageState.RECEIVED or machine.current is not None:
                machine.waiting.append(message)
            else:
                machine.current, machine.generation = message, generation
        machine._past = {
            nonce: held
            for nonce, held in (past or {}).items()
            if machine.current is None or nonce != machine.current.nonce
        }
        machine._entered_at = now
        return machine

    def handle(self, event: Event, now: float) -> list[Command]:
        """What is to be done now, in this order."""
        if isinstance(event, Arrived):
            self._queue(event.message)
            return []
        if isinstance(event, Cancelled):
            return self._cancel(event.message_id)
        if isinstance(event, LimitTold):
            self.resets_at = event.resets_at
            return []
        if isinstance(event, Looked):
            self._note(event, now)
        rule = _TABLE[self.current.state if self.current else None].get(type(event))
        return rule(self, event, now) if rule else []

    def _queue(self, message: Message) -> None:
        """Behind what waits; an urgent one behind the urgent ones, and behind one that was tried already."""
        ahead = len(self.waiting)
        if message.urgent:
            ahead = sum(1 for _ in takewhile(lambda held: held.urgent or held.attempt, self.waiting))
        self.waiting.insert(ahead, message)

    def ahead(self, message_id: MessageId) -> int:
        """How many messages come before that one; 0 when it does not wait."""
        if self.waiting and self.waiting[-1].id == message_id:
            found = len(self.waiting) - 1  # the usual case, in a queue of any length
        else:
            found = next((number for number, held in enumerate(self.waiting) if held.id == message_id), -1)
        return 0 if found < 0 else found + (self.current is not None)

    def _cancel(self, message_id: MessageId) -> list[Command]:
        found = next((held for held in self.waiting if held.id == message_id), None)
        if found is None:
            return []
        self.waiting.remove(found)
        return self._close(found, MessageState.REJECTED, "cancelled by a person")

    # every look

    def _note(self, seen: Looked, now: float) -> None:
        self.wake_at = None
        self.blocked = seen.blocked
        self.living = seen.generation
        self._wall = seen.wall - now
        if not seen.held:
            self._held.clear()
        if not seen.idle:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now

    def _idle_for(self, now: float) -> float:
        return -1.0 if self._idle_since is None else now - self._idle_since

    def _wake(self, at: float) -> None:
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)

    # nothing in flight

    def _begin(self, seen: Looked, now: float) -> list[Command]:
        """Take the next message, if the session is ready for one."""
        expired = next((held for held in self.waiting if not held.attempt and 0 < held.expires_at <= seen.wall), None)
        if expired is not None:
            self.waiting.remove(expired)
            self._wake(now)
            return self._close(expired, MessageState.REJECTED, "it expired before it could be delivered")
        if not self.waiting:
            return self._put_back(seen, now)
        return self._type(self.waiting[0], seen, now, from_queue=True)

    def _put_back(self, seen: Looked, now: float) -> list[Command]:
        """Nothing is to be typed: a draft that is still set aside belongs in the box again."""
        if self.stashed is None or seen.generation is None:
            return []
        if seen.generation != self.stashed or (seen.box is not None and not seen.stashed):
            self.stashed = None  # Claude has put it back, or is another one
        elif not seen.blocked:
            self._wake(now + BREATH)
            return [Stash(self.stashed)]
        return []

    def _continue(self, seen: Looked, now: float) -> list[Command]:
        """The current turn was interrupted: ask Claude to go on, when it can hear."""
        assert self.current is not None  # noqa: S101 - the table: only INTERRUPTED comes here
        return self._type(self.current, seen, now)

    def _type(self, message: Message, seen: Looked, now: float, *, from_queue: bool = False) -> list[Command]:
        if seen.held:
            return self._tell_held(seen.held)
        wait = max(self.hold_until - now, self.refused_for(seen.wall))
        if wait > 0:
            self._wake(now + wait)
            return []
        box = seen.box or ""
        left_over = (message.nonce and is_ours(box, message)) or envelope_id(box)
        if seen.blocked == "draft" and left_over and seen.generation is not None:
            self._wake(now + BREATH)
            return [Clear(message, seen.generation)]  # what an earlier attempt left there
        if seen.blocked == "draft" and seen.waited and holds_envelope(box) and seen.generation is not None:
            self._wake(now + UNTANGLE)
            return [Untangle(message, seen.generation)]
        if seen.blocked == "draft" and seen.waited and not seen.stashed and seen.generation is not None:
            self.stashed = seen.generation
            self._wake(now + BREATH)
            return [Stash(seen.generation)]
        if seen.blocked or seen.generation is None:
            return []
        if from_queue:
            self.waiting.popleft()
        if message.attempt >= self.max_attempts:
            return self._end(message, MessageState.DEAD, f"not delivered in {message.attempt} attempts")
        self.generation, self._final, self._enters, self._idle_since = seen.generation, None, 0, None
        self.current = replace(
            message, state=MessageState.PASTING, attempt=message.attempt + 1, nonce=self.nonces(), prompt_id=""
        )
        return [Save(self.current), Paste(self.current, seen.generation)]

    def _tell_held(self, why: str) -> list[Command]:
        """Nothing is typed for long: each sender of what waits is told once."""
        commands: list[Command] = []
        for message in (*([self.current] if self.current else []), *self.waiting):
            if (message.channel, message.sender) not in self._held:
                self._held.add((message.channel, message.sender))
                commands.append(Save(message, note=why, tell=f"held: {why}"))
        return commands

    def refused_for(self, wall: float) -> float:
        """Seconds until the API will answer again, by its own word; 0 when there is none that is believed."""
        return left(self.resets_at + self.later, wall) if self.trouble and self.resets_at else 0.0

    # pasting

    def _pasted(self, event: Pasted, now: float) -> list[Command]:
        message = self._mine(event.nonce)
        if message is None or self.generation is None:
            return []
        if event.outcome == "shown":
            self.current = replace(message, state=MessageState.SUBMITTING)
            self._entered_at, self._enters = now, 1
            return [Save(self.current), Enter(message.nonce, self.generation)]
        if event.outcome == "refused":
            return self._again(replace(message, attempt=message.attempt - 1), event.why or "refused", now)
        return [Clear(message, self.generation), *self._again(message, "the text did not appear", now)]

    def _paste_unknown(self, seen: Looked, now: float) -> list[Command]:
        """A daemon died while pasting: Enter was certainly not pressed, the text may stand in the box."""
        assert self.current is not None  # noqa: S101
        if seen.generation is not None and seen.generation == self.generation and seen.box is None:
            return []
        found = is_ours(seen.box or "", self.current)
        clear: list[Command] = [Clear(self.current, self.generation)] if found and self.generation else []
        return [*clear, *self._again(self.current, "the daemon died while typing", now)]

    # submitting and accepted

    def _entered(self, event: Entered, now: float) -> list[Command]:
        if self._mine(event.nonce) is not None:
            self._entered_at = now
            if not event.pressed:
                self._enters = max(0, self._enters - 1)  # it was not pressed: as soon as all is calm, it will be
            self._wake(now + (ACCEPT_WITHIN if event.pressed else 0.3))
        return []

    def _accepted(self, event: PromptAccepted, _now: float) -> list[Command]:
        message = self._mine(event.nonce)
        if message is None and self.current is None and event.nonce is not None:
            message = self._late(event.nonce)
            if message is not None:
                self.generation, message = self.living, replace(message, nonce=event.nonce)
        if message is None:
            return self._other_prompt(event)
        self.stashed = None  # Claude puts the draft back at every submit
        self.current = replace(message, state=MessageState.ACCEPTED, prompt_id=event.prompt_id)
        return [Save(self.current)]

    def _committed(self, event: PromptCommitted, now: float) -> list[Command]:
        message = self._mine(event.nonce)
        saved: list[Command] = []
        if message is None:
            message = self._late(event.nonce)
            if message is None:
                return self._other_prompt(event)
            if self.current is not None and self.generation is not None:
                saved = [Clear(self.current, self.generation)]
            self.generation = self.generation or self.living
        self._final, self._passed, self._idle_since, self.stashed = None, False, None, None
        self.current = replace(message, state=MessageState.COMMITTED, prompt_id=event.prompt_id)
        saved.append(Save(self.current, note=event.uuid))
        early = self._early_ends.pop(event.prompt_id, None) if event.prompt_id else None
        if early is None:
            return saved
        return [*saved, *(self._failed(early, now) if isinstance(early, TurnFailed) else self._ended(early, now))]

    def _late(self, nonce: Nonce | None) -> Message | None:
        """The message, waiting or tried again, one of whose earlier attempts has entered after all."""
        message_id = self._past.get(nonce) if nonce else None
        if message_id is None:
            return None
        if self.current is not None:
            return self.current if self.current.id == message_id else None
        found = next((message for message in self.waiting if message.id == message_id), None)
        if found is not None:
            self.waiting.remove(found)
        return found

    def _submitted(self, seen: Looked, now: float) -> list[Command]:
        """Enter was pressed (or refused, or a daemon died there): wait for proof, look at the box, never guess."""
        assert self.current is not None  # noqa: S101
        if seen.generation != self.generation:
            accepted = self.current.state is MessageState.ACCEPTED and self.current.prompt_id not in self._others
            if accepted and isinstance(self._early_ends.get(self.current.prompt_id), TurnEnded):
                return self._accepted_only(self.current)  # it was answered; only the row was not written any more
            return self._again(self.current, "Claude ended before the prompt was part of the conversation", now)
        if not seen.idle:
            self._wake(now + ACCEPT_WITHIN)
            return []
        late = now - self._entered_at
        if self.current.nonce in (seen.box or ""):
            return self._still_in_the_box(self.current, seen, late, now)
        if seen.box is not None and late >= SETTLED and self._idle_for(now) >= ACCEPT_WITHIN:
            if self.current.state is MessageState.ACCEPTED:
                return self._accepted_only(self.current)
            return self._again(self.current, "no trace of the prompt", now)
        self._wake(now + 0.5)
        return []

    def _still_in_the_box(self, message: Message, seen: Looked, late: float, now: float) -> list[Command]:
        """Press Enter (again) if the text is untouched; if a person left words behind it, part them after a while."""
        self._wake(now + 0.5)
        if seen.blocked != "draft" or self.generation is None:
            return []
        if is_whole(seen.box or "", message.nonce):
            if late < ACCEPT_WITHIN and self._enters:
                return []
            if self._enters >= ENTERS:
                return [Clear(message, self.generation), *self._again(message, "Enter had no effect", now)]
            self._enters += 1
            self._entered_at = now
            return [Enter(message.nonce, self.generation)]
        if seen.waited:
            return [Untangle(message, self.generation), *self._again(message, "a person typed behind it", now)]
        return []

    def _accepted_only(self, message: Message) -> list[Command]:
        """This Claude took the prompt, and its transcript tells nothing of it: never type it again.

        Its Stop answers it, unless the prompt id was seen with another prompt: a prompt that is queued in a running turn
        carries that turn's id.
        """
        end = self._early_ends.pop(message.prompt_id, None) if message.prompt_id not in self._others else None
        if isinstance(end, TurnEnded):
            return self._answered(message, end.text, end.background)
        return self._end(message, MessageState.REJECTED, "Claude took it, and its transcript does not show an answer")

    # committed

    def _answering(self, seen: Looked, now: float) -> list[Command]:
        """The prompt is in the conversation. Stop will come; if Claude is gone or idle without it, look for the end."""
        assert self.current is not None  # noqa: S101
        gone = seen.generation != self.generation
        if gone or self._idle_for(now) >= STOP_LOST:
            if self._final is not None:
                return self._answered(self.current, self._final.text, ())
            if gone:
                self.current = replace(self.current, state=MessageState.INTERRUPTED, resumed=True)
                self.generation = None
                return [Save(self.current, note="Claude ended within the turn")]
        if self._idle_for(now) >= SETTLED:
            return self._end(
                self.current, MessageState.REJECTED, "the turn ended without an answer (a person pressed Esc?)"
            )
        if seen.idle:
            self._wake(now + STOP_LOST)
        return []

    def _final_text(self, event: FinalText, _now: float) -> list[Command]:
        if not self._passed:
            self._final = event
        return []

    def _ended(self, event: TurnEnded, _now: float) -> list[Command]:
        current = self.current
        if (
            current
            and current.state is MessageState.COMMITTED
            and event.prompt_id
            and current.prompt_id == event.prompt_id
        ):
            return self._answered(current, event.text, event.background)
        if event.prompt_id in self._told:
            return []
        cause = self.causes.pop(event.prompt_id, None)
        if cause is not None:
            _remember(self._told, event.prompt_id)
            self._adopt_tasks(cause, event.background)
            return [Answer(cause, None, event.text, tasks=event.background, prompt_id=event.prompt_id)]
        return self._keep_end(event)

    def keeps(self, prompt_id: str) -> bool:
        """Whether the end of that turn is not yet known to be anybody's: its evidence must be kept."""
        return prompt_id in self._early_ends

    def _keep_end(self, event: TurnEnded | TurnFailed) -> list[Command]:
        """The row that tells whose turn this was may still come."""
        self._early_ends[event.prompt_id] = event
        while len(self._early_ends) > REMEMBERED:
            self._early_ends.popitem(last=False)
        return []

    def _failed(self, event: TurnFailed, now: float) -> list[Command]:
        current = self.current
        if not event.prompt_id:
            return []
        if current is None or current.state is not MessageState.COMMITTED or current.prompt_id != event.prompt_id:
            return self._keep_end(event)
        why = f"{event.error}: {event.text}" if event.text else event.error
        if event.error in HOPELESS:
            return self._end(current, MessageState.DEAD, why)
        self.trouble, wall = event.error, now + self._wall
        if event.error != "rate_limit":
            self.resets_at = 0.0
        elif not self.refused_for(wall):
            self.resets_at = words_of(event.text, wall)
        known = self.refused_for(wall)
        backoff = min(HOLD_LONGEST, HOLD * 2.0**self._holds) + self.later
        self.hold_until = now if known and not self._holds else now + backoff
        self._holds += 1
        seconds = max(self.hold_until - now, known)
        self._wake(now + seconds)
        attempt = current.attempt - 1  # the API's refusal is not the message's fault
        self.current = replace(current, state=MessageState.INTERRUPTED, resumed=True, reason=why, attempt=attempt)
        told = f"held: {why}. It is gone on with in {_span(seconds)}, and again until it works"
        return [Save(self.current, note=why, tell=told)]

    def _interrupted(self, _event: TurnInterrupted, _now: float) -> list[Command]:
        assert self.current is not None  # noqa: S101
        if self._passed:
            return []
        return self._end(self.current, MessageState.REJECTED, "a person interrupted the turn")

    # shared

    def message_of(self, prompt_id: str) -> MessageId | None:
        """The message in whose turn that prompt id is, as far as it is in flight or a task of one."""
        current = self.current
        if current is not None and prompt_id and current.prompt_id == prompt_id and prompt_id not in self._others:
            return current.id
        return self.causes.get(prompt_id)

    def knows_other(self, prompt_id: str) -> bool:
        """Whether the turn of that id is known to be begun by no message."""
        return prompt_id in self._others and prompt_id not in self.causes

    def cause(self, event: PromptCommitted) -> tuple[Cause, MessageId]:
        """Why the turn of that prompt begins, and the message behind it; to be asked before the event is handled."""
        message = self._mine(event.nonce)
        message_id = message.id if message else self._past.get(event.nonce) if event.nonce else None
        if message_id is not None:
            return Cause.RECOVERY if message is not None and message.resumed else Cause.MESSAGE, message_id
        task = next((self.tasks[task] for task in event.task_ids if task in self.tasks), None)
        return (Cause.TASK, task) if task is not None else (Cause.TERMINAL, MessageId(""))

    def _mine(self, nonce: Nonce | None) -> Message | None:
        return self.current if self.current and nonce and self.current.nonce == nonce else None

    def _other_prompt(self, event: PromptAccepted | PromptCommitted, _now: float = 0.0) -> list[Command]:
        """A turn that no message began: when a background task did, it belongs to the message that started the task."""
        if event.nonce is None or self._past.get(event.nonce) is None:
            _remember(self._others, event.prompt_id)
        if isinstance(event, PromptCommitted) and self.current and event.prompt_id != self.current.prompt_id:
            self._passed = True
        cause = next((self.tasks[task] for task in event.task_ids if task in self.tasks), None)
        mine = self.current is not None and self.current.prompt_id == event.prompt_id
        known = event.prompt_id in self._told or self.causes.get(event.prompt_id) == cause
        if cause is None or mine or known:
            return []
        self.causes[event.prompt_id] = cause
        return [Remember(event.prompt_id, cause)]

    def _forget(self, message: Message) -> None:
        """It has ended: no attempt at it can count any more."""
        self._past = {nonce: held for nonce, held in self._past.items() if held != message.id}

    def _answered(self, message: Message, text: str, background: tuple[str, ...]) -> list[Command]:
        self._forget(message)
        self.trouble, self._holds, self.hold_until, self.resets_at = "", 0, 0.0, 0.0
        self._adopt_tasks(message.id, background)
        self._release()
        done = replace(message, state=MessageState.DONE, reason="")
        return [Answer(message.id, done, RESUMED + text if message.resumed else text, tasks=background)]

    def _adopt_tasks(self, cause: MessageId, background: tuple[str, ...]) -> None:
        self.tasks |= dict.fromkeys((task for task in background if task not in self.tasks), cause)

    def _again(self, message: Message, why: str, now: float) -> list[Command]:
        """Back to the head of the queue; the next attempt has a nonce of its own, after a breath."""
        self._release()
        self._past[message.nonce] = message.id
        self.hold_until = max(self.hold_until, now + BREATH)
        if message.attempt >= self.max_attempts:
            return self._end(message, MessageState.DEAD, why)
        again = replace(message, state=MessageState.RECEIVED, reason=why, prompt_id="")
        self.waiting.appendleft(again)
        return [Save(again, note=why)]

    def _end(self, message: Message, state: MessageState, why: str) -> list[Command]:
        self._release()
        return self._close(message, state, why)

    def _close(self, message: Message, state: MessageState, why: str) -> list[Command]:
        """The message ends without an answer, whether it was in flight or waited."""
        self._forget(message)
        return [Answer(message.id, replace(message, state=state, reason=why), "", error=why)]

    def _release(self) -> None:
        self.current, self.generation, self._final, self._enters = None, None, None, 0
        self._passed = False
        self._wake(0.0)


def _span(seconds: float) -> str:
    """In the unit that a person would choose."""
    minutes = seconds / 60
    if minutes < 2:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"  # noqa: PLR2004


def _remember(ids: OrderedDict[str, None], one: str) -> None:
    ids[one] = None
    while len(ids) > REMEMBERED:
        ids.popitem(last=False)


_S = MessageState
_Rule = Callable[..., "list[Command]"]
_WAITING_FOR_PROOF: Final[dict[type, _Rule]] = {
    PromptAccepted: Delivery._accepted,
    PromptCommitted: Delivery._committed,
    TurnEnded: Delivery._ended,
    TurnFailed: Delivery._failed,
}
_TABLE: Final[dict[MessageState | None, dict[type, _Rule]]] = {
    None: {
        Looked: Delivery._begin,
        PromptAccepted: Delivery._accepted,
        PromptCommitted: Delivery._committed,
        TurnEnded: Delivery._ended,
        TurnFailed: Delivery._failed,
    },
    _S.PASTING: {**_WAITING_FOR_PROOF, Pasted: Delivery._pasted, Looked: Delivery._paste_unknown},
    _S.SUBMITTING: {**_WAITING_FOR_PROOF, Entered: Delivery._entered, Looked: Delivery._submitted},
    _S.ACCEPTED: {**_WAITING_FOR_PROOF, Entered: Delivery._entered, Looked: Delivery._submitted},
    _S.COMMITTED: {
        PromptAccepted: Delivery._other_prompt,
        PromptCommitted: Delivery._other_prompt,
        Looked: Delivery._answering,
        FinalText: Delivery._final_text,
        TurnEnded: Delivery._ended,
        TurnFailed: Delivery._failed,
        TurnInterrupted: Delivery._interrupted,
    },
    _S.INTERRUPTED: {
        Looked: Delivery._continue,
        PromptAccepted: Delivery._other_prompt,
        PromptCommitted: Delivery._other_prompt,
        TurnEnded: Delivery._ended,
    },
}
"""State of the message in flight x event. What is not in the table changes nothing."""
