"""Every single place and every pair of places at which a link's peer or the daemon can die: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crashes.channel import BOTH, DAEMON, MUTANTS, PEER, Wrong, play

Kills = list[tuple[str, int]]
_AROUND = (
    "peer:part",
    "peer:settled",
    "peer:kept",
    "daemon:put",
    "daemon:answered",
    "daemon:frame",
    "daemon:reply",
    "daemon:delivered",
)
PLACES = {
    "peer:acked:after",
    "daemon:read:after",
    "daemon:told:after",
    *(f"{name}:{side}" for name in _AROUND for side in ("before", "after")),
}


def singles(whom: str) -> Iterator[Kills]:
    for place in range(len(play().places[0])):
        yield [(whom, place)]


def wrong(kills: Kills, mutant: str = "") -> str:
    """What went wrong with these kills; empty when nothing did."""
    try:
        play(kills, mutant)
    except Wrong as error:
        return f"{kills}: {error}"
    return ""


def test_every_place_is_met() -> None:
    assert set(play().places[0]) == PLACES


@pytest.mark.parametrize("whom", [PEER, DAEMON, BOTH])
def test_nothing_lost_nothing_twice_wherever_one_dies(whom: str) -> None:
    found = [one for kills in singles(whom) if (one := wrong(kills))]
    assert not found, f"{len(found)}, the first: {found[0]}"


@pytest.mark.parametrize("first", [PEER, DAEMON])
@pytest.mark.parametrize("second", [PEER, DAEMON])
def test_nothing_lost_nothing_twice_wherever_they_die_twice(first: str, second: str) -> None:
    found = []
    for kills in singles(first):
        later = range(len(play(kills).places[1]))
        found += [one for place in later if (one := wrong([*kills, (second, place)]))]
    assert not found, f"{len(found)}, the first: {found[0]}"


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_seeded_bug_is_found(mutant: str) -> None:
    """By one kill, and not without any."""
    assert not wrong([], mutant)
    assert any(wrong(kills, mutant) for whom in (PEER, DAEMON, BOTH) for kills in singles(whom))
