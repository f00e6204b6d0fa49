from __future__ import annotations

import pytest

from ccmux.core.lifecycle import Do, Life, Lifecycle
from ccmux.model.ids import Generation
from ccmux.model.instance import RestartSpec

SPEC = RestartSpec(first=0.5, longest=60.0, stable=300.0, limit=5, window=600.0, ready_within=15.0)


class Rig:
    """A lifecycle and the Claude that it starts."""

    def __init__(self, spec: RestartSpec = SPEC) -> None:
        self.life, self.now, self.starts = Lifecycle(spec), 0.0, 0
        self.life.want(self.now)

    @property
    def at(self) -> Life:
        return self.life.life

    def see(self, *, alive: bool, registered: bool = False, resuming: bool = False) -> Do:
        name = Generation(f"g{self.starts}")
        return self.life.seen(self.now, generation=name, alive=alive, registered=registered, resuming=resuming)

    def start(self) -> float:
        """Wait until it is started; gives the seconds that took."""
        began = self.now
        while self.see(alive=False) is not Do.START:
            assert self.life.wake_at is not None
            assert self.life.wake_at > self.now
            self.now = self.life.wake_at
        self.starts += 1
        self.see(alive=True)
        return self.now - began


def test_from_nothing_to_ready() -> None:
    rig = Rig()
    assert rig.start() == 0.0
    at = rig.at
    assert at is Life.STARTING
    rig.see(alive=True, registered=True)
    assert rig.at is Life.READY


def test_overdue_then_ready() -> None:
    rig = Rig()
    rig.start()
    rig.now += 15.0
    assert rig.see(alive=True) is Do.NOTHING
    assert [rig.at] == [Life.OVERDUE]
    rig.see(alive=True, registered=True)
    assert [rig.at] == [Life.READY]


def test_fifty_deaths_after_stable_lives_never_fault_and_never_wait() -> None:
    rig = Rig()
    for _ in range(50):
        assert rig.start() == 0.0
        rig.see(alive=True, registered=True)
        rig.now += 300.0
        assert rig.see(alive=False) is Do.KEEP_SCREEN
    assert rig.starts == 50


def test_fifty_early_deaths_fault_after_the_limit_and_start_no_more() -> None:
    rig, waits = Rig(), []
    for _ in range(6):
        waits.append(rig.start())
        assert rig.see(alive=False) is Do.KEEP_SCREEN
    assert waits == [0.0, 0.0, 0.5, 1.0, 2.0, 4.0]
    assert rig.at is Life.FAULTED
    for _ in range(44):
        rig.now += 1000.0
        assert rig.see(alive=False) is Do.NOTHING
    rig.life.want(rig.now)
    assert rig.start() == 0.0


def test_the_back_off_is_reset_by_a_stable_life() -> None:
    rig = Rig()
    for _ in range(4):
        rig.start()
        rig.see(alive=False)
    rig.start()
    rig.see(alive=True, registered=True)
    rig.now += 300.0
    rig.see(alive=False)
    assert rig.start() == 0.0


def test_what_cannot_be_resumed_is_forgotten_after_two_early_deaths() -> None:
    rig = Rig()
    rig.start()
    assert rig.see(alive=False, resuming=True) is Do.KEEP_SCREEN
    rig.start()
    assert rig.see(alive=False, resuming=True) is Do.FORGET_CONVERSATION


def test_a_running_claude_is_taken_over_and_wanting_it_changes_nothing() -> None:
    rig = Rig()
    rig.see(alive=True, registered=True)
    assert rig.at is Life.READY
    rig.life.want(rig.now)
    assert rig.at is Life.READY


@pytest.mark.parametrize("life", [Life.STOPPED, Life.FAULTED])
def test_nothing_is_started_that_nobody_wants(life: Life) -> None:
    lifecycle = Lifecycle(SPEC, life=life)
    assert lifecycle.seen(1e6, generation=None, alive=False, registered=False, resuming=False) is Do.NOTHING


def test_a_server_that_is_not_there_yet_is_no_death() -> None:
    rig = Rig()
    for _ in range(100):
        assert rig.see(alive=False, resuming=True) is Do.START
        rig.life.without_server(rig.now)
        assert rig.see(alive=False, resuming=True) is Do.NOTHING
        assert rig.life.wake_at is not None
        rig.now = rig.life.wake_at
    assert rig.start() == 0.0
    assert rig.life.early_deaths == 0
