"""The real daemon ends itself at every place, with the real tmux, FIFOs and SQLite: no message is lost or comes twice.

The places and their names are those of `launcher.py`; Claude is the double, whose ledger the torture's checker reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.standin import StandIn
from tests.crashes.stage import Stage
from tests.rig import until


def around(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}:{side}" for name in names for side in ("before", "after"))


ENTERING = around(
    "save:pasting", "paste", "save:submitting", "enter", "save:accepted", "unlink:UserPromptSubmit", "save:committed"
)
ANSWERING = around("answer:done", "unlink:Stop", "written:reply:out.local", "delivered:out.local", "turn")
LINK = around("put", "tell", "written:frame:out.mail", "written:reply:out.mail", "delivered:out.mail")
STARTING = around("keep", "start", "unlink:SessionStart")
AGAIN = around("clear", "empty", "save:received")
DRAFT = around("stash")
TANGLED = around("untangle")
BROKEN_OFF = around("save:interrupted")
PLACES = {*ENTERING, *ANSWERING, *LINK, *STARTING, *AGAIN, *DRAFT, *TANGLED, *BROKEN_OFF}


@pytest.fixture
def stage(short_dir: Path, standin: StandIn) -> Iterator[Stage]:
    one = Stage(short_dir, standin)
    try:
        yield one
    finally:
        one.close()


def _ended_well(stage: Stage, continued: int = 0) -> None:
    """One fresh prompt and one reply for every message, nothing lost."""
    verdict = stage.verdict()
    assert not verdict.faults, f"{stage.deaths}\n{verdict}"
    counts = verdict.counts
    assert counts["ended done"] == 2 * stage.pairs
    assert counts["replies read"] == 2 * stage.pairs
    assert (counts["continued"], counts["worked on again, its row was lost"]) == (continued, 0)
    seen = set(stage.seen.read_text().split())
    assert set(stage.deaths) <= seen
    assert seen <= PLACES, "a place that no test strikes"


@pytest.mark.parametrize("labels", [ENTERING, ANSWERING, LINK], ids=["entering", "answering", "link"])
def test_the_daemon_dies_at_its_place(stage: Stage, labels: tuple[str, ...]) -> None:
    stage.begin()
    for label in labels:
        stage.survive(label)
    _ended_well(stage)


def test_it_dies_again_while_it_recovers(stage: Stage) -> None:
    """The text stands in the box, of an attempt whose daemon is gone: each next one dies a step later."""
    stage.begin()
    for label in AGAIN:
        stage.survive("paste:after", label)
    _ended_well(stage)


def test_it_dies_at_every_place_of_its_first_start(stage: Stage) -> None:
    """Each daemon one place further than the one before; then there is one Claude, and all goes well."""
    stage.arm(*STARTING)
    stage.begin()
    stage.survive()
    assert not stage.armed.read_text()
    _ended_well(stage)


def test_it_dies_while_a_draft_is_set_aside(stage: Stage) -> None:
    stage.begin()
    until(lambda: stage.status.get("state") == "idle", "Claude is there")
    for label in DRAFT:
        stage.types("half a thought")
        stage.survive(label)
        until(lambda: "❯\u00a0half a thought" in stage.rig.screen("a"), "the draft stands in the box again")
        stage.clears()
    _ended_well(stage)


def test_it_dies_while_words_of_a_person_are_parted_from_ours(stage: Stage) -> None:
    stage.begin()
    for label in TANGLED:
        stage.arm("paste:after", label)
        stage.say()
        stage.wait_death("the text stands in the box")
        stage.types("and a thought")
        assert stage.live_on()
        until(lambda: "❯\u00a0and a thought" in stage.rig.screen("a"), "the person has his words back")
        stage.clears()
    _ended_well(stage)


def test_it_dies_between_emptying_the_box_and_giving_a_person_his_words_back(stage: Stage) -> None:
    stage.begin()
    stage.arm("paste:after", "empty:after")
    stage.say()
    stage.wait_death("the text stands in the box")
    stage.types("and a thought")
    assert stage.live_on()
    _ended_well(stage)
    until(lambda: "❯\u00a0and a thought" in stage.rig.screen("a"), "the person has his words back")


@pytest.mark.parametrize("label", BROKEN_OFF)
def test_it_dies_while_claude_died_in_the_turn(stage: Stage, label: str) -> None:
    stage.turns_take("1000")
    stage.begin()
    stage.arm("save:committed:after", label)
    stage.say()
    stage.wait_death("the prompt is committed")
    stage.turns_take("0.02")
    stage.kill_claude()
    assert stage.live_on()
    _ended_well(stage, continued=1)


def test_a_seeded_bug_is_found(stage: Stage) -> None:
    """A daemon that begins anew what was under way types a prompt twice, and the checker tells."""
    stage.begin()
    stage.forgetful = True
    stage.survive("save:committed:after")
    assert "duplicated" in {fault.kind for fault in stage.verdict().faults}
