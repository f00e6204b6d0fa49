"""A small simulated world around `ccmux.core.delivery`: Claude, its box, its transcript and hooks, a person, a journal.

The daemon's part mirrors `ccmux.daemon.driver`: transcript, then hooks, then the look; commands in their order; the
cursor is journalled with every Save and Answer; a hook file is deleted after it was handled. The truth (whose turn is
whose, what was committed) is kept by the world itself and never shown to the machine under test.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from types import ModuleType
from typing import Any

from ccmux.core import delivery
from ccmux.core.envelope import compose, is_ours, nonce_of, words_of_person
from ccmux.core.events import Arrived, Entered, Looked, Pasted
from ccmux.model.ids import ChannelName, Generation, MessageId, Nonce
from ccmux.model.message import Message, MessageState
from ccmux.model.turn import (
    Cause,
    FinalText,
    PromptAccepted,
    PromptCommitted,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnInterrupted,
)

MAX_ATTEMPTS = 5
_ID = re.compile(r"\[ccmux channel=\S+ from=\S+ id=(m-\d+)\]")
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
PATIENCE = 20.0
_HALF = "half a thought"
CONTINUES = "was interrupted before you answered it"


def _place(command: Any) -> str:
    """What the command is called where kill -9 hits beside it: `save:pasting`, `answer:done`, `enter` …"""
    name = type(command).__name__.lower()
    if name not in ("save", "answer"):
        return name
    return f"{name}:{command.message.state if command.message else 'further'}"


class Harm(AssertionError):
    """The machine under test hurt somebody."""


class Crash(Exception):
    """kill -9 of the daemon, here."""


@dataclass
class Turn:
    prompt_id: str
    text: str
    owner: MessageId | None
    committed: bool = False
    tasks: tuple[str, ...] = ()
    began: float = 0.0


@dataclass
class Journal:
    messages: dict[MessageId, Message] = field(default_factory=dict)
    cursor: int = 0
    generation: str = ""
    stashed: str = ""
    causes: dict[str, MessageId] = field(default_factory=dict)
    tasks: dict[str, MessageId] = field(default_factory=dict)
    nonces: dict[Nonce, MessageId] = field(default_factory=dict)
    turns: dict[str, Cause] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


@dataclass
class World:
    module: ModuleType = delivery
    registry_lag: float = 0.0
    """hazard: seconds in which Claude's registry still says idle although the user row is written (before: 0.1)"""
    now: float = 1000.0

    # Claude
    gen: int = 1
    alive: bool = True
    dialog: bool = False
    box: str = ""
    stash: str = ""
    """a draft that Claude has set aside"""
    owns_stash: bool = False
    """the person set it aside himself"""
    drafts: int = 0
    """half thoughts that the person has neither sent nor deleted"""
    turn: Turn | None = None
    queued: list[Turn] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """Enter and Clear that were sent and are not yet read by Claude"""
    typed_at: float = -1e9
    swallow: int = 0
    late: str = ""
    """pasted text that Claude has not drawn yet"""
    transcript: list[TurnEvent] = field(default_factory=list)
    spool: list[TurnEvent] = field(default_factory=list)
    lose_hooks: int = 0
    running_tasks: dict[str, MessageId] = field(default_factory=dict)

    # what the next paste will come to, and where the next kill -9 hits
    paste_fate: str = ""
    crash_in: int | None = None
    at_place: Callable[[str], None] | None = None
    """is told the label of every place where a kill may hit, and may raise Crash there"""
    interlude: str = ""
    """what happens to the world right before the next Paste or Enter takes effect"""

    # daemon
    up: bool = True
    offset: int = 0
    journal: Journal = field(default_factory=Journal)
    machine: Any = None
    looked: Any = None

    # the truth
    order: list[MessageId] = field(default_factory=list)
    commits: dict[MessageId, list[Nonce]] = field(default_factory=dict)
    owners: dict[str, set[MessageId]] = field(default_factory=dict)
    answered_truly: set[MessageId] = field(default_factory=set)
    """messages whose turn came to its end with a final text"""
    touched: set[MessageId] = field(default_factory=set)
    """messages whose turn a person interrupted, or the API refused for good"""
    used: set[Nonce] = field(default_factory=set)
    pastes: dict[MessageId, int] = field(default_factory=dict)
    may_enter: set[Nonce] = field(default_factory=set)
    ended: dict[MessageId, MessageState] = field(default_factory=dict)
    extra: list[tuple[MessageId, str]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.machine = self.module.Delivery(max_attempts=MAX_ATTEMPTS, nonces=self.nonce)

    hurt: bool = False
    person_enters: bool = False
    """it is the person who presses Enter now"""

    def harm(self, what: str) -> Harm:
        self.hurt = True
        return Harm(what)

    # names

    def nonce(self) -> Nonce:
        number, word = next(self.numbers), ""
        for _ in range(8):
            number, digit = divmod(number, 32)
            word = _DIGITS[digit] + word
        return Nonce(word)

    @property
    def generation(self) -> Generation:
        return Generation(f"g{self.gen}")

    @property
    def idle(self) -> bool:
        if not self.alive or self.dialog:
            return False
        if self.turn is None:
            return True
        lag = self.registry_lag if self.turn.committed else 0.1
        ours = self.turn.owner is not None and not self.turn.tasks
        return ours and self.now - self.turn.began < lag

    # Claude and the person ------------------------------------------------------------------------------------------

    def hook(self, event: TurnEvent) -> None:
        if self.lose_hooks:
            self.lose_hooks -= 1
        else:
            self.spool.append(event)

    def begin(self, text: str, owner: MessageId | None, tasks: tuple[str, ...] = ()) -> None:
        turn = Turn(f"p{next(self.numbers)}", text, owner, tasks=tasks, began=self.now)
        if self.turn is not None:  # Claude is busy: it queues, and tells the hook the id of the running turn
            self.hook(PromptAccepted(self.turn.prompt_id, nonce_of(text), tasks))
            self.queued.append(turn)
            return
        self.hook(PromptAccepted(turn.prompt_id, nonce_of(text), tasks))
        self.turn = turn

    def submit(self) -> None:
        """Enter, in Claude."""
        if not self.box or self.dialog:
            return
        found = _ID.search(self.box)
        text, self.box, self.stash, self.owns_stash = self.box, self.stash, "", False
        if found and _HALF in text and not self.person_enters:
            raise self.harm("a draft was sent together with a message")
        self.drafts -= text.count(_HALF)
        self.begin(text, MessageId(found[1]) if found else None)

    def write_row(self) -> None:
        turn = self.turn
        assert turn is not None
        assert not turn.committed
        turn.committed = True
        self.owners[turn.prompt_id] = {turn.owner} if turn.owner else set()
        self.transcript.append(
            PromptCommitted(turn.prompt_id, nonce_of(turn.text), f"u{next(self.numbers)}", turn.tasks)
        )
        if turn.owner and not turn.tasks:
            self._committed(turn.owner, turn.text)

    def _committed(self, message: MessageId, text: str) -> None:
        before = self.commits.setdefault(message, [])
        if before and CONTINUES not in text:
            raise self.harm(f"{message} was committed twice as a fresh prompt")
        if before and message in self.answered_truly and message in self.ended:
            raise self.harm(f"{message} was continued although it had been answered")
        if not before:
            for earlier in self.order[: self.order.index(message)]:
                if earlier not in self.ended:
                    raise self.harm(f"{message} was committed before {earlier} had ended")
        before.append(Nonce(""))

    def finish(self, background: tuple[str, ...] = ()) -> None:
        turn = self.turn
        assert turn is not None
        text = f"answer:{turn.prompt_id}"
        self.transcript.append(FinalText(text, f"u{next(self.numbers)}"))
        self.hook(TurnEnded(turn.prompt_id, text, background))
        if turn.owner:
            self.running_tasks |= dict.fromkeys(background, turn.owner)
            if not turn.tasks:
                self.answered_truly.add(turn.owner)
        self._next_turn()

    def fail(self, error: str) -> None:
        assert self.turn is not None
        self.hook(TurnFailed(self.turn.prompt_id, error, ""))
        if self.turn.owner and error == "invalid_request":
            self.touched.add(self.turn.owner)
        self._next_turn()

    def escape(self) -> None:
        assert self.turn is not None
        self.transcript.append(TurnInterrupted(f"u{next(self.numbers)}"))
        if self.turn.owner:
            self.touched.add(self.turn.owner)
        self._next_turn()

    def _next_turn(self) -> None:
        self.turn = self.queued.pop(0) if self.queued else None
        if self.turn is not None:
            self.turn.began = self.now

    def die(self) -> None:
        self.alive, self.dialog, self.turn, self.box = False, False, None, ""
        self.stash, self.owns_stash, self.drafts = "", False, 0
        self.queued, self.keys, self.running_tasks, self.swallow, self.late = [], [], {}, 0, ""

    def start(self) -> None:
        self.gen, self.alive = self.gen + 1, True

    def read_keys(self) -> None:
        keys, self.keys = self.keys, []
        self.box, self.late = self.box + self.late, ""
        for key in keys:
            if key == "clear":
                self.box = ""
            elif self.swallow:
                self.swallow -= 1
            else:
                self.submit()

    def advance(self, seconds: float) -> None:
        """Time goes on; Claude never needs more than a second to read a key."""
        if seconds >= 1.0:
            self.read_keys()
        self.now += seconds

    def person_types(self, text: str) -> None:
        self.read_keys()  # what came first is read first
        self.box += text
        self.drafts += text.count(_HALF)
        self.typed_at = self.now

    def person_clears(self) -> None:
        self.drafts -= self.box.count(_HALF)
        self.box = ""

    def person_stashes(self) -> None:
        """Ctrl+S, with nothing set aside yet."""
        self.box, self.stash, self.owns_stash = "", self.box, True

    def happen(self, what: str) -> None:
        if what == "die":
            self.die()
        elif what == "dialog" and self.alive:
            self.dialog = True
        elif what == "type" and self.alive:
            self.person_types(_HALF)
        elif what == "wake" and self.alive and self.turn is None:
            self.begin("a prompt that came by itself", None)

    # the daemon -----------------------------------------------------------------------------------------------------

    def arrive(self, text: str) -> None:
        message = Message(MessageId(f"m-{len(self.order)}"), ChannelName("local"), "eve", text, self.now)
        self.order.append(message.id)
        self.journal.messages[message.id] = message
        if self.up:
            self.run(Arrived(message))

    def kill_daemon(self) -> None:
        self.up, self.machine, self.looked, self.crash_in = False, None, None, None

    def start_daemon(self) -> None:
        self.up, self.offset = True, self.journal.cursor
        self.machine = self.module.Delivery.recovered(
            [m for m in self.journal.messages.values() if not m.state.ended],
            generation=Generation(self.journal.generation) if self.journal.generation else None,
            now=self.now,
            max_attempts=MAX_ATTEMPTS,
            causes=dict(self.journal.causes),
            tasks=dict(self.journal.tasks),
            stashed=Generation(self.journal.stashed) if self.journal.stashed else None,
            others=[known for known, cause in self.journal.turns.items() if cause in (Cause.TERMINAL, Cause.TASK)][
                -16:
            ],
            told=self.journal.told[-16:],
            past={nonce: held for nonce, held in self.journal.nonces.items() if held not in self.ended},
        )
        self.machine.nonces = self.nonce

    def cycle(self) -> None:
        """One cycle of the driver; a Crash in it is a dead daemon."""
        try:
            self._cycle()
        except Crash:
            self.kill_daemon()
            self.keys_after_crash()

    def keys_after_crash(self) -> None:
        self.read_keys()

    def _cycle(self) -> None:
        generation = self.generation if self.alive else None
        self._read_transcript()
        self._read_hooks()
        idle = self.idle
        current = self.machine.current
        states = (MessageState.PASTING, MessageState.SUBMITTING, MessageState.ACCEPTED, MessageState.INTERRUPTED)
        doubt = current is not None and current.state in states
        look = idle and (doubt or (current is None and bool(self.machine.waiting)) or bool(self.machine.stashed))
        box = self.box if look else None
        blocked = self._blocked(idle, box)
        long = self.now - self.typed_at >= PATIENCE
        stashed = bool(box is not None and self.stash)
        self.looked = Looked(generation, idle, blocked, box, waited=blocked == "draft" and long, stashed=stashed)
        self.run(self.looked)

    def _blocked(self, idle: bool, box: str | None) -> str:
        if not self.alive:
            return "starting"
        if self.dialog:
            return "dialog"
        if not idle:
            return "busy"
        if self.now - self.typed_at < 5.0:
            return "typing"
        if box is None:
            return "no prompt box"
        return "draft" if box else ""

    def _read_transcript(self) -> None:
        while self.offset < len(self.transcript):
            event = self.transcript[self.offset]
            self.offset += 1
            self.run(event)

    def _read_hooks(self) -> None:
        while self.spool:
            event = self.spool[0]
            if isinstance(event, PromptAccepted):
                self._read_transcript()
            self.run(event)
            self._tick("hook:unlinked:before")
            self.spool.pop(0)

    def _tick(self, label: str) -> None:
        """A place where kill -9 may hit."""
        if self.at_place is not None:
            self.at_place(label)
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.crash_in = None
                raise Crash

    def run(self, event: Any) -> None:
        if isinstance(event, PromptCommitted):
            self.journal.turns.setdefault(event.prompt_id, self.machine.cause(event)[0])
        todo = deque(self.machine.handle(event, self.now))
        while todo:
            command = todo.popleft()
            self._tick(f"{_place(command)}:before")
            name = type(command).__name__
            result = getattr(self, f"_do_{name.lower()}")(command, event)
            self._tick(f"{_place(command)}:after")
            if result is not None:
                event = result
                todo.extend(self.machine.handle(result, self.now))

    def _position(self) -> None:
        self.journal.cursor = self.offset
        self.journal.generation = self.machine.generation or self.journal.generation
        self.journal.stashed = self.machine.stashed or ""

    def _do_save(self, command: Any, _event: Any) -> None:
        message = command.message
        if message.id in self.ended:
            raise self.harm(f"{message.id} was taken up again after it had ended")
        if message.state is MessageState.SUBMITTING:
            self.may_enter.add(message.nonce)
        if message.state is MessageState.INTERRUPTED and message.attempt < self.journal.messages[message.id].attempt:
            self.pastes[message.id] -= 1  # refused by the API: the attempt does not count
        self.journal.messages[message.id] = message
        if message.state is MessageState.PASTING:
            self.journal.nonces[message.nonce] = message.id
        self._position()

    def _do_remember(self, command: Any, _event: Any) -> None:
        self.journal.causes[command.prompt_id] = command.message_id

    def _do_answer(self, command: Any, _event: Any) -> None:
        message, mine = command.message, command.message_id
        if command.text:
            owners = self.owners.get(command.text.removeprefix(self.module.RESUMED).removeprefix("answer:"), set())
            if mine not in owners:
                raise self.harm(
                    f"{mine} got an answer that belongs to {sorted(owners) or 'the person at the terminal'}"
                )
        if message is None:
            self.extra.append((mine, command.text))
            self.journal.turns.setdefault(command.prompt_id, Cause.TASK)
            self.journal.told.append(command.prompt_id)
        else:
            if mine in self.ended:
                raise self.harm(f"{mine} ended twice")
            self._check_end(message, command)
            self.ended[mine] = message.state
            self.journal.messages[mine] = message
        self.journal.tasks |= {task: mine for task in command.tasks if task not in self.journal.tasks}
        self._position()

    def _check_end(self, message: Message, command: Any) -> None:
        running = self.turn is not None and self.turn.owner == message.id and not self.turn.tasks
        if not message.state.ended:
            raise self.harm(f"{message.id} was answered and is {message.state}")
        if message.state is MessageState.DONE:
            if not self.commits.get(message.id):
                raise self.harm(f"{message.id} is done and was never part of the conversation")
            return
        if running:
            raise self.harm(f"{message.id} ended {message.state} ({message.reason}) while its turn runs")
        if message.id in self.answered_truly:
            raise self.harm(f"{message.id} was answered, and its sender is told: {command.error}")
        if message.state is MessageState.DEAD and message.attempt < MAX_ATTEMPTS and message.id not in self.touched:
            raise self.harm(f"{message.id} was given up after {message.attempt} attempts")
        if message.state is MessageState.REJECTED and message.id not in self.touched:
            raise self.harm(f"{message.id} rejected for nothing: {command.error}")

    def _do_paste(self, command: Any, event: Any) -> Any:
        message, looked = command.message, self.looked
        kept = self.journal.messages[message.id]
        if (kept.state, kept.nonce) != (MessageState.PASTING, message.nonce):
            raise self.harm("Paste without a journalled attempt")
        if message.nonce in self.used:
            raise self.harm("Paste with an old nonce")
        self.used.add(message.nonce)
        if kept.attempt <= self.pastes.get(message.id, 0):
            raise self.harm("Paste without a counted attempt")
        if event is not looked or looked.blocked or looked.generation != command.generation or not looked.idle:
            raise self.harm(f"Paste while {looked.blocked or 'nobody looked'}")
        self.happen(self.interlude)
        self.interlude = ""
        fate, self.paste_fate = self.paste_fate, ""
        if fate == "refused" or not self.alive or command.generation != self.generation:
            return Pasted(message.nonce, "refused", "copy-mode")
        self.pastes[message.id] = self.pastes.get(message.id, 0) + 1
        if fate == "vanished" or self.dialog:
            return Pasted(message.nonce, "unseen")
        if fate == "late":
            self.late = compose(message, message.nonce)
            return Pasted(message.nonce, "unseen")
        self.box += compose(message, message.nonce)
        return Pasted(message.nonce, "unseen" if fate == "unseen" else "shown")

    def _do_enter(self, command: Any, event: Any) -> Any:
        kept = next((m for m in self.journal.messages.values() if m.nonce == command.nonce), None)
        if kept is None or command.nonce not in self.may_enter:
            raise self.harm("Enter for a nonce that was not journalled as SUBMITTING")
        if kept.state not in (MessageState.SUBMITTING, MessageState.ACCEPTED):
            raise self.harm(f"Enter for a message that is {kept.state}")
        if event is self.looked:
            ours = compose(kept, kept.nonce)
            if not event.idle or event.generation != command.generation or event.blocked == "dialog":
                raise self.harm(f"Enter while {event.blocked}")
            if event.box != ours:
                raise self.harm("Enter on a text that a person has touched")
        typed_at = self.typed_at
        self.happen(self.interlude)
        self.interlude = ""
        guard = self.alive and not self.dialog and command.generation == self.generation
        guard = guard and self.typed_at == typed_at
        if not guard or f"end-{command.nonce}" not in self.box:
            return Entered(command.nonce, pressed=False)
        self.keys.append("enter")
        return Entered(command.nonce, pressed=True)

    def _do_clear(self, command: Any, _event: Any) -> None:
        if (
            self.alive
            and not self.dialog
            and command.generation == self.generation
            and is_ours(self.box, command.message)
        ):
            self.keys.append("clear")
            self.read_keys()

    def _do_stash(self, command: Any, event: Any) -> None:
        self._position()
        if event is not self.looked or self.looked.generation != command.generation:
            raise self.harm("Ctrl+S while nobody looked")
        if not self.alive or self.dialog or command.generation != self.generation:
            return
        if self.box and self.stash:
            raise self.harm("a draft was set aside over another one")
        if self.box and not self.looked.waited:
            raise self.harm("a draft was set aside that its person is still at")
        if "[end-" in self.box:
            raise self.harm("our own text was set aside as a draft")
        self.box, self.stash, self.owns_stash = self.stash, self.box, False

    def _do_untangle(self, command: Any, event: Any) -> None:
        if event is not self.looked or not self.looked.waited or self.looked.generation != command.generation:
            raise self.harm("a text was parted that its person is still at")
        if not self.alive or self.dialog or command.generation != self.generation:
            return
        words = words_of_person(self.box, command.message)
        if words is not None:
            self.box = words

    # invariants -----------------------------------------------------------------------------------------------------

    def no_draft_lost(self) -> None:
        there = (self.box + self.stash).count(_HALF)
        if there != self.drafts:
            raise self.harm(f"{self.drafts} drafts were typed and not sent, {there} are there")

    def nothing_lost(self) -> None:
        if not self.up:
            return
        held = [m.id for m in self.machine.waiting] + ([self.machine.current.id] if self.machine.current else [])
        wanted = [m for m in self.order if m not in self.ended]
        if sorted(held) != sorted(wanted):
            raise self.harm(f"the machine holds {held}, not ended are {wanted}")

    def calm(self, cycles: int = 400) -> None:
        """The person leaves, Claude lives and works: everything must end."""
        self.lose_hooks = self.swallow = 0
        self.paste_fate = self.interlude = ""
        self.crash_in = None
        self.dialog = False
        if not any(is_ours(self.box, message) for message in self.journal.messages.values()):
            self.person_clears()  # and takes along what he wrote
        if not self.alive:
            self.start()
        if not self.up:
            self.start_daemon()
        for _ in range(cycles):
            self.read_keys()
            self.cycle()
            self.nothing_lost()
            settled = not self.stash or self.owns_stash
            if len(self.ended) == len(self.order) and self.turn is None and settled:
                return
            self.now += 2.0
            if self.turn is not None and not self.turn.committed:
                self.write_row()
            elif self.turn is not None:
                self.finish()
            self.now = max(self.now, self.machine.hold_until)
        waits = [m for m in self.order if m not in self.ended]
        if not waits:
            raise self.harm("a draft was set aside and never put back")
        raise self.harm(f"{waits} never ended; blocked: {self.looked.blocked}, box: {self.box!r}")
