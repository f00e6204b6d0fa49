"""Kill -9 at every single place and every pair of places of a scenario, in the world of `tests.core.delivery_world`.

A place is a moment right before or after something lasting is done; the world names it. A blow strikes the daemon, Claude,
or the whole machine there; the second blow strikes at a place counted from the restart after the first. After all blows
the scenario goes on until everything ended, and the world must be unharmed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ccmux.core import delivery
from ccmux.core.events import Cancelled
from ccmux.model.ids import MessageId
from ccmux.model.message import MessageState
from ccmux.model.turn import PromptAccepted, PromptCommitted, TurnEnded, TurnEvent, TurnFailed
from tests.core.delivery_world import Crash, World

ROUNDS = 120
"""Looks of the daemon in which a scenario must have come to its end."""
DAEMON, CLAUDE, MACHINE = "daemon", "claude", "machine"
_HOOKS = {PromptAccepted: "accepted", TurnEnded: "ended", TurnFailed: "failed"}


@dataclass(frozen=True)
class Blow:
    """Who dies at which place, counted from the start or from the blow before."""

    whom: str
    place: int


@dataclass
class Struck(World):
    """The world with blows, with the spool as `ccmux.daemon.spooled` keeps it, and with rows that come late."""

    blows: list[Blow] = field(default_factory=list)
    places: list[list[str]] = field(default_factory=lambda: [[]])
    """labels that were passed: before the first blow, after it, …"""
    down_for: int = 0
    """rounds that the daemon stays away after a blow"""
    lagging: bool = False
    """Claude writes rows some time after they came to be; a kill loses them"""
    unwritten: list[TurnEvent] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    """turns whose Stop hook has run"""
    kept: list[TurnEvent] = field(default_factory=list)
    """ends in the spool that this daemon has handled, and that are not settled"""
    died: bool = False
    """Claude was struck"""
    woken: bool = False
    """a background task has begun its turn"""
    furthered: Counter[MessageId] = field(default_factory=Counter)
    """second replies to each message"""
    may_go_on: set[MessageId] = field(default_factory=set)
    """messages whose turn was broken off since it was committed: Claude may be asked to continue them"""
    away: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at_place = self.place

    # blows

    def place(self, label: str) -> None:
        passed = self.places[-1]
        passed.append(label)
        if self.blows and len(passed) == self.blows[0].place + 1:
            self.strike(self.blows.pop(0).whom)

    def strike(self, whom: str) -> None:
        self.places.append([])
        if whom != DAEMON:
            self.died = True
            self.die()
        if whom != CLAUDE:
            self.away = self.down_for
            raise Crash

    def look(self) -> None:
        """One round of the daemon: it is started when it is gone, looks and acts, and starts Claude when that is gone."""
        if not self.up and self.away:
            self.away -= 1
            return
        if not self.up:
            self.start_daemon()
        self.cycle()
        if self.up and not self.alive:
            self.start()
        self.nothing_lost()
        self.no_draft_lost()

    def start_daemon(self) -> None:
        self.kept = []
        super().start_daemon()

    def _cycle(self) -> None:
        self._tick("look:before")
        super()._cycle()

    # the spool as it is: an end that is not settled stays for the next daemon

    def _read_hooks(self) -> None:
        for event in [one for one in self.kept if not self._keeps(one)]:
            self.kept.remove(event)
            self.spool.remove(event)
        for event in [one for one in self.spool if one not in self.kept]:
            if isinstance(event, PromptAccepted):
                self._read_transcript()
            self.run(event)
            if self._keeps(event):
                self.kept.append(event)
                continue
            label = f"hook:{_HOOKS[type(event)]}:unlinked"
            self._tick(f"{label}:before")
            self.spool.remove(event)
            self._tick(f"{label}:after")

    def _keeps(self, event: TurnEvent) -> bool:
        return isinstance(event, TurnEnded | TurnFailed) and bool(self.machine.keeps(event.prompt_id))

    def _do_answer(self, command: Any, event: Any) -> None:
        super()._do_answer(command, event)
        self.journal.causes.pop(command.prompt_id, None)
        if command.message is None:
            self.furthered[command.message_id] += 1
            if self.furthered[command.message_id] > 1:
                raise self.harm(f"{command.message_id} was told the same twice")

    def _do_stash(self, command: Any, event: Any) -> None:
        self._position()
        self._tick("stash:kept:after")
        super()._do_stash(command, event)

    # rows that come late

    def hook(self, event: TurnEvent) -> None:
        super().hook(event)
        if event in self.spool and isinstance(event, TurnEnded):
            self.told.add(event.prompt_id)

    @contextmanager
    def _rows(self) -> Iterator[None]:
        if not self.lagging:
            yield
            return
        there, self.transcript = self.transcript, self.unwritten
        try:
            yield
        finally:
            self.transcript = there

    def write_row(self) -> None:
        with self._rows():
            super().write_row()

    def finish(self, background: tuple[str, ...] = ()) -> None:
        with self._rows():
            super().finish(background)

    def fail(self, error: str) -> None:
        if self.turn is not None and self.turn.owner:
            self.may_go_on.add(self.turn.owner)
        super().fail(error)

    def _committed(self, message: MessageId, text: str) -> None:
        if self.commits.get(message) and message not in self.may_go_on:
            raise self.harm(f"{message} was continued, and nothing had broken off its turn")
        self.may_go_on.discard(message)
        super()._committed(message, text)

    def flush(self) -> None:
        self.transcript += self.unwritten
        self.unwritten.clear()

    def die(self) -> None:
        self.may_go_on |= {message for message in self.commits if message not in self.ended}
        for row in self.unwritten:
            if isinstance(row, PromptCommitted) and row.prompt_id not in self.told:
                for owner in self.owners.pop(row.prompt_id, ()):
                    self.commits[owner].pop()
        self.unwritten.clear()
        super().die()

    # what people and tasks do

    def cancel(self, message: MessageId) -> None:
        """A person takes a message back, as long as it waits."""
        if self.up and any(held.id == message for held in self.machine.waiting):
            self.touched.add(message)
            try:
                self.run(Cancelled(message))
            except Crash:
                self.kill_daemon()

    def happen(self, what: str) -> None:
        if what == "task" and self.alive and self.turn is None and self.running_tasks:
            task, owner = self.running_tasks.popitem()
            self.begin("<task-notification>", owner, (task,))
            self.woken = True
        super().happen(what)

    # what usually happens

    @property
    def quiet(self) -> bool:
        settled = not self.stash or self.owns_stash
        return self.up and len(self.ended) == len(self.order) and self.turn is None and settled and not self.spool_waits

    @property
    def spool_waits(self) -> bool:
        return any(event not in self.kept for event in self.spool)

    def goes_on(self) -> None:
        """Claude goes on by one step, and two seconds pass; where all wait for a time, it comes."""
        self.advance(2.0)
        if self.turn is None or self.dialog:
            if self.up:
                self.now = max(self.now, self.machine.hold_until)
        elif not self.turn.committed:
            self.write_row()
            self.flush_soon()
        else:
            self.finish()
            self.flush()

    def flush_soon(self) -> None:
        if not self.lagging:
            self.flush()


Scenario = Callable[[Struck], Iterator[None]]


def works(world: Struck, until: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Ordinary work until that is so, or until all is quiet."""
    while not until() and not world.quiet:
        yield
        if until() or world.quiet:
            return
        world.goes_on()


def play(
    scenario: Scenario,
    blows: list[Blow] | None = None,
    *,
    down_for: int = 0,
    module: ModuleType = delivery,
    worlds: list[Struck] | None = None,
) -> Struck:
    """The scenario with these blows, to its end. Raises Harm; the world is then the last of `worlds`."""
    world = Struck(module, blows=list(blows or []), down_for=down_for)
    if worlds is not None:
        worlds.append(world)
    for rounds, _ in enumerate(scenario(world)):
        world.look()
        if rounds > ROUNDS:
            raise world.harm(f"it goes on and on; not ended: {[m for m in world.order if m not in world.ended]}")
    world.at_place = None
    world.calm()
    _ended_well(world)
    return world


def _ended_well(world: Struck) -> None:
    for message in world.order:
        state = world.ended[message]
        if state is not MessageState.DONE and message not in world.touched:
            raise world.harm(f"{message} ended {state}")
        if state is MessageState.DONE and not world.commits.get(message):
            raise world.harm(f"{message} is done and was never part of the conversation")
    if world.woken and not world.died and sum(world.furthered.values()) != 1:
        raise world.harm("the answer of a background task was lost")
