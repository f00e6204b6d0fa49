"""What `status --explain` shows: every source, the one that counted, and no contradiction with what was decided."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmux.core.explain import SETTLED, Evidence, disagreement, explain
from ccmux.core.lifecycle import Life
from ccmux.core.reading import INTERRUPTED, NOT_LOGGED_IN, read_state
from ccmux.core.screen import Box
from ccmux.core.sources import Heard, Pane, Registered, Sources
from ccmux.model.ids import Generation
from ccmux.model.state import InstanceState

ORDER = ["daemon", "pane", "registry", "hook", "transcript", "title", "keys", "screen"]
NOW = 100.0
PANE = Pane("%0", 7, Generation("g"), dead=False, in_mode=False, title="✳ ccmux-a")
CALM = Sources(Life.READY, PANE, Registered("s", "idle", changed_at=90.0), box=Box(present=True))
WITHOUT = replace(CALM, registered=None, without_registry=True)
BEGAN, STOPPED = Heard("UserPromptSubmit", 90.0), Heard("Stop", 91.0)
WORKING = replace(PANE, title="⠐ ccmux-a")


def told(seen: Sources) -> dict[str, Evidence]:
    return {one.source: one for one in explain(seen, read_state(seen, NOW, 5.0))}


def winner(seen: Sources) -> str:
    return ", ".join(one.source for one in told(seen).values() if one.won)


def test_every_source_is_told_in_the_order_in_which_they_count() -> None:
    for seen in (CALM, WITHOUT, Sources(Life.STOPPED), Sources(Life.STARTING, PANE)):
        assert [one.source for one in explain(seen, read_state(seen, NOW, 5.0))] == ORDER


@pytest.mark.parametrize(
    ("seen", "won"),
    [
        (CALM, "registry"),
        (replace(CALM, registered=Registered("s", "busy")), "registry"),
        (replace(CALM, registered=Registered("s", "waiting", "permission prompt")), "registry"),
        (Sources(Life.STOPPED), "daemon"),
        (Sources(Life.FAULTED), "daemon"),
        (Sources(Life.RESTING, PANE), "daemon"),
        (Sources(Life.STARTING), "pane"),
        (replace(CALM, pane=replace(PANE, dead=True)), "pane"),
        (Sources(Life.OVERDUE, PANE), "pane"),
        (replace(CALM, pane=replace(PANE, last_key=99.0, people=1)), "keys"),
        (replace(CALM, box=Box(present=True, text="half a thought")), "screen"),
        (replace(CALM, trouble="rate_limit", hook=Heard("StopFailure", 95.0)), "hook"),
        (WITHOUT, "screen"),
        (replace(WITHOUT, pane=WORKING), "title"),
        (replace(WITHOUT, pane=replace(PANE, title="name"), hook=BEGAN), "hook"),
        (replace(WITHOUT, box=Box(present=False)), "screen"),
    ],
)
def test_the_source_that_counted_is_marked(seen: Sources, won: str) -> None:
    assert winner(seen) == won


def test_no_hook_is_said_to_have_told_that_there_is_no_login() -> None:
    """That is seen in files by the daemon."""
    seen = replace(CALM, trouble=NOT_LOGGED_IN)
    assert read_state(seen, NOW, 5.0).state is InstanceState.LOGGED_OUT
    assert winner(seen) != "hook"


@pytest.mark.parametrize(
    ("seen", "source", "value"),
    [
        (Sources(Life.READY), "pane", "there is none"),
        (replace(CALM, pane=replace(PANE, dead=True)), "pane", "%0 is dead (no status)"),
        (replace(CALM, pane=replace(PANE, dead=True, exit_status="3")), "pane", "%0 is dead (3)"),
        (CALM, "pane", "%0 lives (pid 7)"),
        (replace(CALM, pane=replace(PANE, in_mode=True)), "pane", "%0 lives (pid 7), in a mode"),
        (replace(CALM, pane=replace(PANE, in_mode=True, mode="tree-mode")), "pane", "%0 lives (pid 7), in tree-mode"),
        (CALM, "daemon", "ready"),
        (CALM, "registry", "idle"),
        (replace(CALM, registered=Registered("s", "waiting", "input needed")), "registry", "waiting for input needed"),
        (replace(CALM, registered=None), "registry", "not yet there"),
        (WITHOUT, "registry", "there is none; the fall-backs count"),
        (CALM, "hook", "none since the daemon began"),
        (replace(CALM, hook=STOPPED), "hook", "Stop"),
        (CALM, "transcript", "none since the daemon began"),
        (replace(CALM, row=Heard("answer", 90.0)), "transcript", "answer"),
        (CALM, "title", "✳ ccmux-a"),
        (replace(CALM, pane=replace(PANE, title="")), "title", "none"),
        (replace(CALM, pane=replace(PANE, title="a\x1b[31m\u202eb")), "title", "a[31mb"),
        (replace(CALM, pane=replace(PANE, title="x" * 500)), "title", "x" * 60),
        (CALM, "keys", "nobody is attached"),
        (replace(CALM, pane=replace(PANE, people=2, last_key=80.0)), "keys", "2 attached"),
        (replace(CALM, box=None), "screen", "not looked at"),
        (replace(CALM, box=Box(present=False)), "screen", "no prompt box"),
        (CALM, "screen", "an empty prompt box"),
        (replace(CALM, box=Box(present=True, text="abc")), "screen", "a draft of 3 characters"),
        (
            replace(CALM, box=Box(present=True, focused=False, stashed=True)),
            "screen",
            "an empty prompt box, the cursor is elsewhere, a draft is set aside",
        ),
    ],
)
def test_what_each_source_is_shown_as(seen: Sources, source: str, value: str) -> None:
    assert told(seen)[source].value == value


@pytest.mark.parametrize(
    ("seen", "source", "says", "at"),
    [
        (CALM, "registry", "idle", 90.0),
        (replace(CALM, registered=Registered("s", "shell", changed_at=1.0)), "registry", "idle", 1.0),
        (replace(CALM, registered=Registered("s", "busy")), "registry", "busy", 0.0),
        (replace(CALM, registered=Registered("s", "waiting")), "registry", "waiting", 0.0),
        (replace(CALM, hook=BEGAN), "hook", "busy", 90.0),
        (replace(CALM, hook=STOPPED), "hook", "idle", 91.0),
        (replace(CALM, hook=Heard("SessionStart", 3.0)), "hook", "idle", 3.0),
        (replace(CALM, hook=BEGAN, row=Heard(INTERRUPTED, 92.0)), "hook", "", 90.0),
        (replace(CALM, hook=BEGAN, row=Heard(INTERRUPTED, 89.0)), "hook", "busy", 90.0),
        (replace(CALM, hook=BEGAN, row=Heard("prompt", 92.0)), "hook", "busy", 90.0),
        (replace(CALM, row=Heard("answer", 92.0)), "transcript", "", 92.0),
        (CALM, "title", "idle", 0.0),
        (replace(CALM, pane=WORKING), "title", "busy", 0.0),
        (replace(CALM, pane=replace(PANE, title="◐ x")), "title", "busy", 0.0),
        (replace(CALM, pane=replace(PANE, title="vim")), "title", "", 0.0),
        (replace(CALM, pane=replace(PANE, people=1, last_key=80.0)), "keys", "", 80.0),
        (Sources(Life.STARTING), "registry", "", 0.0),
    ],
)
def test_what_each_source_alone_would_say_and_since_when(seen: Sources, source: str, says: str, at: float) -> None:
    assert (told(seen)[source].says, told(seen)[source].at) == (says, at)


def test_a_status_that_nobody_knows_is_shown_as_what_it_is_taken_for() -> None:
    seen = replace(CALM, registered=Registered("s", "never seen"))
    assert read_state(seen, NOW, 5.0).state is InstanceState.BUSY
    assert told(seen)["registry"].says == "busy"


def test_a_turn_that_a_person_interrupted_is_not_believed_to_go_on() -> None:
    """Without a registry and without a title, as where Claude is told to leave the title alone."""
    escaped = replace(WITHOUT, pane=replace(PANE, title=""), hook=BEGAN, row=Heard(INTERRUPTED, 92.0))
    assert read_state(escaped, NOW, 5.0).state is InstanceState.IDLE


# who contradicts whom


def says(source: str, what: str, at: float) -> Evidence:
    return Evidence(source, "", what, at)


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ((), ""),
        ((says("registry", "idle", 50.0), says("hook", "idle", 51.0)), ""),
        ((says("registry", "idle", 50.0), says("hook", "busy", 51.0)), "registry says idle, hook says busy"),
        ((says("registry", "busy", 50.0), says("hook", "idle", 51.0)), "registry says busy, hook says idle"),
        ((says("registry", "waiting", 50.0), says("hook", "busy", 51.0)), ""),
        ((says("registry", "waiting", 50.0), says("hook", "idle", 51.0)), ""),
        ((says("registry", "idle", 0.0), says("hook", "busy", 51.0)), ""),
        ((says("registry", "idle", 50.0), says("title", "busy", 0.0)), ""),
        ((says("registry", "idle", NOW - 0.1), says("hook", "busy", 51.0)), ""),
        ((says("registry", "idle", 50.0), says("hook", "busy", NOW - 0.1)), ""),
        ((says("registry", "idle", NOW - SETTLED), says("hook", "busy", 51.0)), "registry says idle, hook says busy"),
        ((says("registry", "idle", 50.0), says("hook", "", 51.0)), ""),
    ],
)
def test_only_what_had_the_time_to_agree_is_a_contradiction(evidence: tuple[Evidence, ...], words: str) -> None:
    assert disagreement(evidence, NOW) == words


def test_a_hook_that_an_esc_came_after_contradicts_nobody() -> None:
    seen = replace(CALM, hook=BEGAN, row=Heard(INTERRUPTED, 91.0))
    assert disagreement(explain(seen, read_state(seen, NOW, 5.0)), NOW) == ""
    seen = replace(CALM, hook=BEGAN)
    assert disagreement(explain(seen, read_state(seen, NOW, 5.0)), NOW) == "registry says idle, hook says busy"


# all of it

GLYPHS = ["", "✳ ccmux-a", "⠐ ccmux-a", "◐ x", "vim", "\x1b]0;x\x07"]
PANES = st.builds(
    Pane,
    id=st.just("%0"),
    pid=st.just(7),
    generation=st.just(Generation("g")),
    dead=st.sampled_from([False, False, False, True]),
    in_mode=st.booleans(),
    mode=st.sampled_from(["", "copy-mode"]),
    last_key=st.none() | st.floats(80.0, 110.0),
    people=st.integers(0, 2),
    title=st.sampled_from(GLYPHS),
)
REGISTERED = st.builds(
    Registered,
    session_id=st.just("s"),
    status=st.sampled_from(["idle", "shell", "busy", "waiting", "never seen"]),
    waiting_for=st.sampled_from(["", "permission prompt", "input needed", "dialog open", "something new"]),
    changed_at=st.floats(0.0, 100.0),
)
HOOKS = st.builds(
    Heard, st.sampled_from(["UserPromptSubmit", "Stop", "StopFailure", "SessionStart"]), st.floats(0.0, 100.0)
)
ROWS = st.builds(Heard, st.sampled_from(["prompt", "answer", INTERRUPTED]), st.floats(0.0, 100.0))
BOXES = st.builds(
    Box, present=st.booleans(), text=st.sampled_from(["", "x"]), focused=st.booleans(), stashed=st.booleans()
)
SOURCES = st.builds(
    Sources,
    life=st.sampled_from([Life.READY] * 6 + list(Life)),
    pane=st.none() | PANES,
    registered=st.none() | REGISTERED,
    without_registry=st.booleans(),
    hook=st.none() | HOOKS,
    row=st.none() | ROWS,
    box=st.none() | BOXES,
    trouble=st.sampled_from(["", "rate_limit", NOT_LOGGED_IN]),
)


@given(SOURCES)
def test_whatever_is_seen_exactly_one_source_counted(seen: Sources) -> None:
    assert sum(one.won for one in explain(seen, read_state(seen, NOW, 5.0))) == 1


@settings(max_examples=500)
@given(SOURCES)
def test_what_counted_does_not_say_the_opposite_of_what_was_read(seen: Sources) -> None:
    reading = read_state(seen, NOW, 5.0)
    (won,) = [one for one in explain(seen, reading) if one.won]
    opposite = {InstanceState.BUSY: ("idle", "waiting"), InstanceState.IDLE: ("busy", "waiting")}
    opposite[InstanceState.WAITING] = ("idle", "busy")
    assert won.says not in opposite.get(reading.state, ()), (reading, won)


@given(SOURCES)
def test_nothing_that_is_shown_can_steer_a_terminal(seen: Sources) -> None:
    for one in explain(seen, read_state(seen, NOW, 5.0)):
        assert one.value
        assert one.value.isprintable()


@given(SOURCES, st.floats(0.0, 1000.0))
def test_a_contradiction_names_sources_that_are_among_the_evidence(seen: Sources, now: float) -> None:
    evidence = explain(seen, read_state(seen, NOW, 5.0))
    words = disagreement(evidence, now)
    if not words:
        return
    named = dict(part.split(" says ") for part in words.split(", "))
    assert {"idle", "busy"} <= set(named.values())
    assert all(
        (one.says, now - one.at >= SETTLED) == (named[one.source], True) for one in evidence if one.source in named
    )
