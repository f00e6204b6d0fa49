"""When a project reports, and that a flood loses no event."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ccmux.core.reporting import Held, at_rest, crossed, heartbeat_in, needs, release, status_of
from ccmux.model.instance import Heartbeat, ReportSpec
from ccmux.model.state import InstanceState, Reading
from ccmux.model.usage import Day, Tokens


@settings(max_examples=500)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=60), st.floats(0, 20))
def test_no_event_is_lost_none_overtakes_and_nothing_is_sent_too_often(
    news: list[tuple[bool, float]], pause: float
) -> None:
    now, sent_at, held = 1000.0, 0.0, list[Held]()
    sent: list[int] = []
    times: list[float] = []

    def look() -> float | None:
        nonlocal sent_at, held
        found = release(held, sent_at, now, pause)
        if found.send:
            sent.extend(found.send)
            times.append(now)
            sent_at = now
        assert not set(found.send) & set(found.drop)
        held = [one for one in held if one.seq not in found.send + found.drop]
        return found.wake_in

    for seq, (weighty, after) in enumerate(news):
        now += after
        held.append(Held(seq, weighty))
        look()
    wake = look()
    if wake is not None:
        now += wake + 0.001
        look()
    assert held == []
    assert sent == sorted(sent)
    assert {seq for seq, (weighty, _) in enumerate(news) if weighty} <= set(sent)
    assert not news or sent[-1] == len(news) - 1  # the last word is always told
    assert all(later - earlier >= pause - 0.001 for earlier, later in pairwise(times))


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    assert release([Held(1, True)], sent_at=10_000.0, now=50.0, pause=10.0).send == (1,)
    assert (heartbeat_in(Heartbeat.HOURLY, 10_000.0, 50.0) or 0) <= 0


def test_an_idle_project_has_one_heartbeat_in_each_period() -> None:
    for every, hours in ((Heartbeat.HOURLY, 1), (Heartbeat.DAILY, 24)):
        now, last, beats = 0.0, 0.0, list[float]()
        while now < 10 * hours * 3600:
            left = heartbeat_in(every, last, now)
            assert left is not None
            if left <= 0:
                last = now
                beats.append(now)
            now += 30
        assert len(beats) == 9
    assert heartbeat_in(Heartbeat.OFF, 0.0, 1e9) is None


def test_a_threshold_is_told_once_a_day_and_each_by_itself() -> None:
    spec = ReportSpec(tokens_alert=1000, cost_alert=2.5)
    said, told = frozenset[str](), list[str]()
    for day, tokens, cost in (("2026-11-21", 999, 0.0), ("2026-11-21", 1000, 1.0), ("2026-11-21", 5000, 2.5),
                              ("2026-11-21", 6000, 9.0), ("2026-11-22", 0, 0.0), ("2026-11-22", 1001, 0.0)):  # fmt: skip
        words, said = crossed(spec, Day(day, {"m": Tokens(tokens)}, cost), said)
        told += words
    assert [word.split()[:2] for word in told] == [["1,000", "tokens"], ["2.50", "USD"], ["1,001", "tokens"]]
    assert crossed(ReportSpec(), Day("2026-11-21", {"m": Tokens(10**9)}, 1e6), frozenset()) == ((), frozenset())


def test_every_state_has_a_status_and_those_that_need_a_person_say_so() -> None:
    for state in InstanceState:
        assert status_of(Reading(state))
    assert needs(Reading(InstanceState.WAITING, "approval"), ["k3f9"]) == ("approval k3f9 waits for an answer",)
    assert needs(Reading(InstanceState.WAITING, "question"), []) == ("a person is needed: waiting (question)",)
    assert needs(Reading(InstanceState.IDLE), []) == ()


def test_what_was_said_of_a_project_is_taken_back_once_when_it_rests() -> None:
    idle = Reading(InstanceState.IDLE)
    for state in InstanceState:
        said = status_of(Reading(state))
        assert at_rest(said, idle) is (state is not InstanceState.IDLE)
        assert not at_rest(said, Reading(InstanceState.BUSY)), "a turn that goes on is not told step by step"
    assert not at_rest("", idle)
