from __future__ import annotations

from dataclasses import replace

import pytest

from ccmux.core.lifecycle import Life
from ccmux.core.reading import blocked, read_state
from ccmux.core.screen import Box
from ccmux.core.sources import Pane, Registered, Sources
from ccmux.model.ids import Generation
from ccmux.model.state import InstanceState as I

PANE = Pane("%0", 7, Generation("g"), dead=False, in_mode=False)
IDLE = Registered("s", "idle")
CALM = Sources(Life.READY, PANE, IDLE, box=Box(present=True))


def waiting(for_: str) -> Sources:
    return replace(CALM, registered=Registered("s", "waiting", for_))


@pytest.mark.parametrize(
    ("seen", "state", "reason", "why"),
    [
        (CALM, I.IDLE, "", ""),
        (replace(CALM, registered=Registered("s", "shell")), I.IDLE, "", ""),
        (Sources(Life.STOPPED), I.STOPPED, "", "stopped"),
        (Sources(Life.FAULTED), I.FAULTED, "crash-loop", "crash-loop"),
        (Sources(Life.RESTING), I.STARTING, "restart", "restart"),
        (Sources(Life.STARTING), I.STARTING, "", "starting"),
        (replace(CALM, pane=replace(PANE, dead=True)), I.STARTING, "", "starting"),
        (Sources(Life.STARTING, PANE), I.STARTING, "", "starting"),
        (Sources(Life.OVERDUE, PANE), I.WAITING, "startup-dialog", "startup-dialog"),
        (waiting("permission prompt"), I.WAITING, "permission", "permission"),
        (waiting("input needed"), I.WAITING, "question", "question"),
        (waiting("something new"), I.WAITING, "something new", "something new"),
        (waiting(""), I.WAITING, "dialog", "dialog"),
        (replace(CALM, registered=Registered("s", "busy")), I.BUSY, "", "busy"),
        (replace(CALM, registered=Registered("s", "never seen")), I.BUSY, "", "busy"),
        (replace(CALM, pane=replace(PANE, last_key=98.0)), I.TYPING, "", "typing"),
        (replace(CALM, pane=replace(PANE, last_key=95.0)), I.IDLE, "", ""),
        (replace(CALM, box=Box(present=True, text="x")), I.TYPING, "draft", "draft"),
        (replace(CALM, box=None), I.IDLE, "", "no prompt box"),
        (replace(CALM, box=Box(present=False)), I.IDLE, "", "no prompt box"),
        (replace(CALM, pane=replace(PANE, in_mode=True)), I.IDLE, "", "copy-mode"),
        (replace(CALM, trouble="rate_limit"), I.LIMITED, "rate_limit", ""),
        (replace(CALM, trouble="authentication_failed"), I.LOGGED_OUT, "authentication_failed", ""),
        (replace(CALM, trouble="rate_limit", box=Box(present=True, text="x")), I.LIMITED, "rate_limit", "draft"),
    ],
)
def test_states(seen: Sources, state: I, reason: str, why: str) -> None:
    reading = read_state(seen, 100.0, 5.0)
    assert (reading.state, reading.reason) == (state, reason)
    assert blocked(seen, reading) == why


def test_a_person_who_types_blocks_in_trouble_too() -> None:
    seen = replace(CALM, trouble="rate_limit", pane=replace(PANE, last_key=99.9))
    assert blocked(seen, read_state(seen, 100.0, 5.0))
