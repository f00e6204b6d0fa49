"""Every single place and every pair of places at which daemon, Claude or the machine can die: no message is harmed.

CCMUX_CRASHES=all tries every pair of deaths, also those that are left out for time.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ccmux.core import delivery, envelope
from ccmux.core.commands import Command, Enter, Paste
from ccmux.core.delivery import Delivery
from ccmux.core.events import Event
from ccmux.core.sanitise import sanitise
from ccmux.model.message import MessageState
from tests.core.delivery_world import Harm
from tests.crashes.model import CLAUDE, DAEMON, MACHINE, Blow, Struck, play
from tests.crashes.scenarios import SCENARIOS

ALL = os.environ.get("CCMUX_CRASHES") == "all"
EVERYBODY = (DAEMON, CLAUDE, MACHINE)
PAIRS = {(DAEMON, DAEMON), (DAEMON, CLAUDE), (CLAUDE, DAEMON), (MACHINE, DAEMON)}
_COMMANDS = (
    "paste",
    "enter",
    "clear",
    "untangle",
    "stash",
    "remember",
    "save:received",
    "save:pasting",
    "save:submitting",
    "save:accepted",
    "save:committed",
    "save:interrupted",
    "answer:done",
    "answer:rejected",
    "answer:dead",
    "answer:further",
    "hook:accepted:unlinked",
    "hook:ended:unlinked",
    "hook:failed:unlinked",
)
PLACES = {"look:before", "stash:kept:after", *(f"{name}:{side}" for name in _COMMANDS for side in ("before", "after"))}


@pytest.fixture(autouse=True)
def sanitised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same few texts a million times."""
    monkeypatch.setattr(envelope, "sanitise", functools.cache(sanitise))


def blows_of(scenario: str, *, down_for: int, whom: str, then: tuple[str, ...]) -> Iterator[list[Blow]]:
    """One blow at every place, and each with a second one at every place after it; places are found by playing."""
    for first in range(len(play(SCENARIOS[scenario], down_for=down_for).places[0])):
        yield [Blow(whom, first)]
        if then:
            world, _ = outcome(scenario, [Blow(whom, first)], down_for)
            for second in range(len(world.places[1])):
                yield from ([Blow(whom, first), Blow(other, second)] for other in then)


def outcome(scenario: str, blows: list[Blow], down_for: int = 0, module: Any = delivery) -> tuple[Struck, str]:
    """The world, and the harm that was done to it."""
    last: list[Struck] = []
    try:
        return play(SCENARIOS[scenario], blows, down_for=down_for, module=module, worlds=last), ""
    except Harm as harm:
        return last[0], f"{blows}, down for {down_for}: {harm}"


def every_case(scenario: str) -> Iterator[tuple[list[Blow], int]]:
    for down_for in (0, 3):
        for whom in EVERYBODY:
            then = tuple(other for other in EVERYBODY if ALL or (not down_for and (whom, other) in PAIRS))
            yield from ((blows, down_for) for blows in blows_of(scenario, down_for=down_for, whom=whom, then=then))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_harm_wherever_they_die(scenario: str) -> None:
    harms = [harm for case in every_case(scenario) if (harm := outcome(scenario, *case)[1])]
    assert not harms, f"{len(harms)} harms, the first: {harms[0]}"


def test_every_place_is_met() -> None:
    """Nobody loses a place: what the scenarios pass is what is listed here, and each place is struck."""
    passed = {label for scenario in SCENARIOS.values() for label in play(scenario).places[0]}
    assert passed == PLACES


def test_a_blow_strikes_at_its_place_and_the_daemon_is_started_again() -> None:
    whole = play(SCENARIOS["plainly"]).places[0]
    for place in range(len(whole)):
        world = play(SCENARIOS["plainly"], [Blow(DAEMON, place)])
        assert world.places[0] == whole[: place + 1]
        assert world.places[1][0] == "look:before"


# what was wrong once

_BUGS = {
    "background_rows_late": (DAEMON, "answer:further:after", 0),
    "background_queued": (MACHINE, "answer:further:after", 0),
    "queued": (MACHINE, "look:before", 0),
    "taken_back": (DAEMON, "look:before", 0),
    "undrawn_and_entered": (DAEMON, "save:received:after", 1),
}
"""Who dies where, and for how many looks the daemon stays away."""


@pytest.mark.parametrize("scenario", _BUGS)
def test_a_bug_that_one_death_was_enough_for(scenario: str) -> None:
    """Found by these tests."""
    whom, label, down_for = _BUGS[scenario]
    passed = play(SCENARIOS[scenario]).places[0]
    places = [number for number, one in enumerate(passed) if one == label]
    harms = [harm for place in places if (harm := outcome(scenario, [Blow(whom, place)], down_for)[1])]
    assert not harms, harms[0]


# seeded bugs are found


class PastesFirst(Delivery):
    """The attempt is journalled after the text was pasted."""

    def handle(self, event: Event, now: float) -> list[Command]:
        return _first(Paste, super().handle(event, now))


class EntersFirst(Delivery):
    """That Enter is to be pressed is journalled after it was."""

    def handle(self, event: Event, now: float) -> list[Command]:
        return _first(Enter, super().handle(event, now))


def _first(kind: type, commands: list[Command]) -> list[Command]:
    return sorted(commands, key=lambda command: not isinstance(command, kind))


def recovering(change: Callable[[dict[str, Any]], None]) -> type[Delivery]:
    """A Delivery that recovers from something else than what was journalled."""

    class Recovering(Delivery):
        @classmethod
        def recovered(cls, messages: Any, **known: Any) -> Delivery:
            found = {"messages": list(messages), **known}
            change(found)
            return super().recovered(found.pop("messages"), **found)

    return Recovering


def _change_messages(states: set[str], **new: Any) -> Callable[[dict[str, Any]], None]:
    def change(known: dict[str, Any]) -> None:
        known["messages"] = [replace(one, **new) if one.state in states else one for one in known["messages"]]

    return change


def _forget(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda known: known.update({name: value})


_FLYING = {"pasting", "submitting", "accepted"}
MUTANTS: dict[str, tuple[type[Delivery], str, int]] = {
    "pastes before it journals": (PastesFirst, "plainly", 0),
    "enters before it journals": (EntersFirst, "plainly", 0),
    "sends again what was under way": (
        recovering(_change_messages(_FLYING | {"committed"}, state=MessageState.RECEIVED)),
        "plainly",
        1,
    ),
    "sends again what was interrupted, as if fresh": (
        recovering(_change_messages({"interrupted"}, state=MessageState.RECEIVED, resumed=False)),
        "limited",
        1,
    ),
    "forgets in which Claude it typed": (recovering(_forget("generation", None)), "plainly", 1),
    "forgets the nonces of earlier attempts": (recovering(_forget("past", {})), "undrawn_and_entered", 1),
    "forgets tasks": (recovering(_forget("tasks", {})), "background", 1),
    "forgets causes": (recovering(_forget("causes", {})), "background_queued", 1),
    "forgets that a draft is set aside": (recovering(_forget("stashed", None)), "draft_cancelled", 1),
    "counts attempts anew": (recovering(_change_messages({"received", *_FLYING}, attempt=0)), "plainly", 1),
    "counts attempts anew from the second on": (
        recovering(
            lambda known: (
                _change_messages({"received", *_FLYING}, attempt=1)(known)
                if any(one.attempt for one in known["messages"])
                else None
            )
        ),
        "accepted_lost",
        2,
    ),
}
"""What is wrong -> the machine, a scenario, and how many deaths of the daemon show it."""


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_seeded_bug_is_found(mutant: str) -> None:
    kind, scenario, deaths = MUTANTS[mutant]
    assert deaths_that_show(kind, scenario) == deaths


def deaths_that_show(kind: type[Delivery], scenario: str) -> int | None:
    """The fewest deaths of the daemon after which harm is done."""
    module: Any = type("Mutant", (), {"Delivery": kind, "RESUMED": delivery.RESUMED})
    if outcome(scenario, [], module=module)[1]:
        return 0
    pairs = []
    for blows in blows_of(scenario, down_for=0, whom=DAEMON, then=(DAEMON,)):
        if len(blows) == 1 and outcome(scenario, blows, module=module)[1]:
            return 1
        pairs.append(blows)
    return 2 if any(outcome(scenario, blows, module=module)[1] for blows in pairs) else None
