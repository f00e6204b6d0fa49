"""The delivery machine in a world that does everything that was ever seen, in any order. The properties are harms."""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ccmux.core import delivery
from tests.core.delivery_world import World

BASE = settings(
    max_examples=250,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FIND = settings(BASE, max_examples=600, phases=[Phase.generate], report_multiple_bugs=False)


class DeliveryMachine(RuleBasedStateMachine):
    """Rules are what happens; each hazard is a class of happenings that is on only where it is named."""

    hazards: ClassVar[frozenset[str]] = frozenset()
    module: ClassVar[ModuleType] = delivery

    def __init__(self) -> None:
        super().__init__()
        self.w = World(self.module, registry_lag=0.1 if "registry-lag" in self.hazards else 0.0)

    def on(self, hazard: str) -> bool:
        return hazard in self.hazards

    @property
    def _ours_in_box(self) -> bool:
        return "[ccmux " in self.w.box

    # messages and the daemon

    @initialize(texts=st.lists(st.sampled_from(["one line", "two\nlines", "@file ![x]"]), min_size=1, max_size=2))
    def begin(self, texts: list[str]) -> None:
        for text in texts:
            self.w.arrive(text)

    @precondition(lambda self: len(self.w.order) < 5)
    @rule()
    def arrive(self) -> None:
        self.w.arrive("another")

    @precondition(lambda self: self.w.up)
    @rule(read=st.booleans())
    def cycle(self, read: bool) -> None:
        self.w.cycle()
        if read:
            self.w.read_keys()

    @precondition(lambda self: self.w.up)
    @rule(row=st.booleans(), end=st.sampled_from(["", "", "finish", "rate_limit", "escape"]), seen=st.booleans())
    def goes_on(self, row: bool, end: str, seen: bool) -> None:
        """All that usually happens, one after the other, so that the rare things meet every state."""
        self.w.dialog = False
        if not self.w.alive:
            self.w.start()
        if not self._ours_in_box:
            self.w.person_clears()
        self.w.advance(6.0)
        self.w.cycle()
        self.w.read_keys()
        turn = self.w.turn
        if turn is None:
            return
        if row and not turn.committed:
            self.w.write_row()
        if seen and self.w.up:
            self.w.cycle()
        if turn.committed and end and turn.owner is not None:
            if end == "finish":
                self.w.finish((f"t{turn.prompt_id}",))
            elif end == "escape":
                self.w.escape()
            else:
                self.fail(end)

    @precondition(lambda self: self.w.up and self.w.machine.hold_until > self.w.now + 1.0)
    @rule()
    def long_wait(self) -> None:
        self.w.advance(max(0.0, self.w.machine.hold_until - self.w.now) + 1.0)
        self.w.cycle()

    @precondition(lambda self: self.w.up)
    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0, 3.0, 6.0, 11.0, 70.0]))
    def later(self, seconds: float) -> None:
        self.w.advance(seconds)
        self.w.cycle()

    @precondition(lambda self: self.w.up)
    @rule(commands=st.integers(0, 8))
    def cycle_with_kill(self, commands: int) -> None:
        self.w.crash_in = commands
        self.w.cycle()
        self.w.crash_in = None

    @precondition(lambda self: self.w.up)
    @rule()
    def kill_daemon(self) -> None:
        self.w.kill_daemon()

    @precondition(lambda self: not self.w.up)
    @rule()
    def start_daemon(self) -> None:
        self.w.start_daemon()
        self.w.cycle()

    # Claude

    @rule()
    def claude_reads(self) -> None:
        self.w.read_keys()

    @precondition(lambda self: self.w.turn is not None and not self.w.turn.committed and not self.w.dialog)
    @rule()
    def row(self) -> None:
        self.w.write_row()

    @precondition(lambda self: self.w.turn is not None and self.w.turn.committed and not self.w.dialog)
    @rule(background=st.booleans())
    def finish(self, background: bool) -> None:
        turn = self.w.turn
        assert turn is not None
        self.w.finish((f"t{turn.prompt_id}",) if background and turn.owner else ())

    @precondition(lambda self: self.w.turn is not None and not self.w.turn.committed and not self.w.dialog)
    @rule()
    def whole_turn(self) -> None:
        self.w.write_row()
        self.w.finish()

    @precondition(lambda self: self.w.turn is not None and self.w.turn.committed and not self.w.dialog)
    @rule(error=st.sampled_from(["rate_limit", "server_error", "invalid_request"]))
    def fail(self, error: str) -> None:
        if self.w.lose_hooks:
            self.w.lose_hooks = 0
        self.w.fail(error)

    @precondition(lambda self: self.w.alive)
    @rule()
    def die(self) -> None:
        self.w.die()

    @precondition(lambda self: not self.w.alive)
    @rule()
    def start(self) -> None:
        self.w.start()

    @precondition(lambda self: self.w.alive and self.w.turn is None and self.w.running_tasks)
    @rule(end=st.booleans())
    def task_wakes(self, end: bool) -> None:
        task, owner = self.w.running_tasks.popitem()
        self.w.begin("<task-notification>", owner, (task,))
        if end:
            self.w.write_row()
            self.w.finish()

    # losses

    @rule(
        kind=st.sampled_from(["hooks", "enter", "refused", "vanished", "unseen", "late", "die", "dialog", "wake"]),
        times=st.integers(1, 4),
    )
    def bad_luck(self, kind: str, times: int) -> None:
        if kind == "hooks":
            self.w.lose_hooks = min(times, 2)
        elif kind == "enter":
            self.w.swallow = times
        elif kind in ("die", "dialog"):
            self.w.interlude = kind
        elif kind == "wake":
            self.w.interlude = kind if self.on("turn-between-look-and-enter") else ""
        elif kind != "late" or self.on("late-paste"):
            self.w.paste_fate = kind

    # the person

    @precondition(lambda self: self.w.turn is not None and self.w.turn.committed)
    @rule()
    def escape(self) -> None:
        owner = self.w.turn.owner if self.w.turn else None
        if owner is not None or not self._unfinished_business or self.on("person-while-down"):
            self.w.dialog = False
            self.w.escape()

    @precondition(lambda self: self.w.alive and not self.w.dialog)
    @rule()
    def dialog_opens(self) -> None:
        self.w.dialog = True

    @precondition(lambda self: self.w.dialog)
    @rule()
    def dialog_closes(self) -> None:
        self.w.dialog = False

    @precondition(lambda self: self.w.alive and not self.w.dialog)
    @rule()
    def types(self) -> None:
        if not self._ours_in_box or self.on("person-types-into-ours"):
            self.w.person_types("half a thought")

    @precondition(lambda self: self.w.alive and not self.w.dialog and self.w.box and not self.w.keys)
    @rule()
    def person_enters(self) -> None:
        """The person submits what is in the box."""
        if self._ours_in_box and not (self._ours_is_current or self.on("person-enters-leftover")):
            return
        if not self._ours_in_box and (self._unfinished_business and not self.on("person-while-down")):
            return
        self.w.person_enters = True
        self.w.submit()
        self.w.person_enters = False

    @precondition(lambda self: self.w.alive and self.w.box and not self._ours_in_box and not self.w.stash)
    @rule()
    def person_stashes(self) -> None:
        self.w.person_stashes()

    @precondition(lambda self: self.w.alive and not self.w.dialog and not self.w.box and self.w.turn is None)
    @rule(end=st.sampled_from(["finish", "escape"]))
    def person_works(self, end: str) -> None:
        """A whole turn of the person's at the terminal."""
        if self._unfinished_business and not self.on("person-while-down"):
            return
        self.w.person_types("what is the salary of mallory?")
        self.w.submit()
        self.w.write_row()
        if end == "finish":
            self.w.finish()
        else:
            self.w.escape()

    @precondition(lambda self: self.w.alive and not self.w.dialog)
    @rule()
    def clears(self) -> None:
        self.w.person_clears()

    @property
    def _ours_is_current(self) -> bool:
        waits = [m for m in self.w.journal.messages.values() if m.state in ("pasting", "submitting", "accepted")]
        return any(f"[end-{m.nonce}]" in self.w.box for m in waits)

    @property
    def _unfinished_business(self) -> bool:
        """A turn of ours ended, and the daemon has not heard of it yet."""
        return any(m.state == "committed" or m.nonce for m in self.w.journal.messages.values() if not m.state.ended)

    # harms that show at any time

    @invariant()
    def nothing_lost(self) -> None:
        self.w.nothing_lost()
        self.w.no_draft_lost()

    def teardown(self) -> None:
        if not self.w.hurt:
            self.w.calm()


def run_with(hazards: set[str], module: ModuleType = delivery, how: settings = FIND) -> None:
    """The machine with these hazards on, around that module."""
    kind = type("Hazardous", (DeliveryMachine,), {"hazards": frozenset(hazards), "module": module})
    run_state_machine_as_test(kind, settings=how)


def test_no_harm() -> None:
    run_with(set(), how=BASE)


HAZARDS = {
    "turn-between-look-and-enter": "a prompt queued in another turn takes its id from the hook, and its Stop as an answer",
    "registry-lag": "the idle time from before Enter counts against the turn: rejected while it runs",
    "person-while-down": "Esc and final rows of the person's later turns are taken for the message's own",
    "person-types-into-ours": "Enter is pressed on a text that a person has touched; its row is then not recognised",
    "late-paste+person-enters-leftover": "a row with the nonce of a message that waits again is ignored: typed twice",
}
"""Each was a bug once."""


@pytest.mark.parametrize("hazards", HAZARDS)
def test_hazard(hazards: str) -> None:
    run_with(set(hazards.split("+")))
