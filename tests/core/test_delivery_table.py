"""The transitions that recovery stands on, one by one. Names C3 to C17 are the rows of the recovery table."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ccmux.core.commands import Answer, Command, Enter, Paste, Remember, Save
from ccmux.core.delivery import ACCEPT_WITHIN, BREATH, ENTERS, HOLD, RESUMED, SETTLED, STOP_LOST, Delivery
from ccmux.core.envelope import compose
from ccmux.core.events import Arrived, Entered, Looked, Pasted
from ccmux.core.limit import LONGEST
from ccmux.model.ids import ChannelName, Generation, MessageId, Nonce
from ccmux.model.message import Message, MessageState
from ccmux.model.turn import (
    FinalText,
    LimitTold,
    PromptAccepted,
    PromptCommitted,
    TurnEnded,
    TurnFailed,
    TurnInterrupted,
)

S = MessageState
G1, G2 = Generation("g1"), Generation("g2")
N0 = Nonce("aaaaaaa2")
M0 = Message(MessageId("m-0"), ChannelName("local"), "eve", "hello", 0.0)
M1 = replace(M0, id=MessageId("m-1"))


def recovered(state: S, *, attempt: int = 1, resumed: bool = False, prompt_id: str = "p0", others: int = 0) -> Delivery:
    first = replace(M0, state=state, attempt=attempt, nonce=N0, resumed=resumed, prompt_id=prompt_id)
    machine = Delivery.recovered([first, *[M1] * others], generation=G1, now=100.0)
    number = count()
    machine.nonces = lambda: Nonce(f"cccccc{'abcdefgh'[next(number)]}2")
    return machine


def box(message: Message = M0) -> str:
    return compose(message, N0)


def calm(generation: Generation = G1, shown: str | None = "") -> Looked:
    return Looked(generation, idle=True, blocked="draft" if shown else "", box=shown)


BUSY = Looked(G1, idle=False, blocked="busy")
GONE = Looked(None, idle=False, blocked="starting")


def names(commands: list[Command]) -> list[str]:
    return [type(command).__name__ for command in commands]


def end_of(commands: list[Command]) -> Answer:
    (answer,) = commands
    assert isinstance(answer, Answer)
    return answer


def state_of(machine: Delivery) -> S | None:
    return machine.current.state if machine.current else None


def test_the_whole_way() -> None:
    machine = Delivery()
    assert machine.handle(Arrived(M0), 1.0) == []
    save, paste = machine.handle(calm(), 1.0)
    assert isinstance(save, Save)
    assert isinstance(paste, Paste)
    assert (save.message.state, save.message.attempt) == (S.PASTING, 1)
    nonce = paste.message.nonce
    save, enter = machine.handle(Pasted(nonce, "shown"), 1.1)
    assert isinstance(save, Save)
    assert save.message.state is S.SUBMITTING
    assert enter == Enter(nonce, G1)
    assert machine.handle(Entered(nonce, pressed=True), 1.2) == []
    assert names(machine.handle(PromptAccepted("p", nonce), 1.3)) == ["Save"]
    assert names(machine.handle(PromptCommitted("p", nonce, "u"), 1.4)) == ["Save"]
    answer = end_of(machine.handle(TurnEnded("p", "hi", ("t1",)), 2.0))
    assert (answer.text, answer.tasks) == ("hi", ("t1",))
    assert answer.message is not None
    assert answer.message.state is S.DONE
    assert machine.current is None


@pytest.mark.parametrize("look", [BUSY, GONE, calm(shown="a draft"), Looked(G1, idle=True, blocked="typing", box="")])
def test_nothing_is_typed_while_blocked(look: Looked) -> None:
    machine = Delivery()
    machine.handle(Arrived(M0), 1.0)
    assert machine.handle(look, 1.0) == []
    assert list(machine.waiting) == [M0]


def test_c3_pasting_and_nothing_in_the_box_begins_again_with_a_new_nonce() -> None:
    machine = recovered(S.PASTING)
    (save,) = machine.handle(calm(), 101.0)
    assert isinstance(save, Save)
    assert (save.message.state, save.message.attempt) == (S.RECEIVED, 1)
    assert machine.handle(calm(), 101.0 + BREATH / 2) == []
    save, paste = machine.handle(calm(), 101.0 + BREATH)
    assert isinstance(paste, Paste)
    assert paste.message.nonce != N0
    assert paste.message.attempt == 2


def test_c3_is_not_decided_before_the_box_was_seen() -> None:
    assert recovered(S.PASTING).handle(calm(shown=None), 101.0) == []


def test_c4_pasted_text_is_cleared_before_the_next_attempt() -> None:
    assert names(recovered(S.PASTING).handle(calm(shown=box()), 101.0)) == ["Clear", "Save"]


def test_c5_submitting_and_shown_is_entered_at_once() -> None:
    machine = recovered(S.SUBMITTING)
    assert machine.handle(calm(shown=box()), 100.1) == [Enter(N0, G1)]
    assert machine.handle(calm(shown=box()), 100.2) == []
    assert machine.handle(calm(shown=box()), 100.2 + ACCEPT_WITHIN) == [Enter(N0, G1)]


def test_c5_enter_without_effect_is_given_up() -> None:
    machine, now = recovered(S.SUBMITTING), 100.0
    for _ in range(ENTERS):
        now += ACCEPT_WITHIN
        assert machine.handle(calm(shown=box()), now) == [Enter(N0, G1)]
    assert names(machine.handle(calm(shown=box()), now + ACCEPT_WITHIN)) == ["Clear", "Save"]


def test_c7_what_claude_took_is_never_typed_again_even_if_its_transcript_is_silent() -> None:
    machine = recovered(S.ACCEPTED)
    assert machine.handle(calm(), 100.0) == []
    end = end_of(machine.handle(calm(), 100.0 + SETTLED))
    assert end.message is not None
    assert end.message.state is S.REJECTED


def test_c7_a_silent_transcript_is_no_loss_when_the_stop_hook_came() -> None:
    machine = recovered(S.ACCEPTED)
    assert machine.handle(TurnEnded("p0", "the answer"), 101.0) == []
    assert machine.handle(calm(), 102.0) == []
    assert end_of(machine.handle(calm(), 102.0 + SETTLED)).text == "the answer"


def test_c7_the_stop_of_a_turn_that_another_prompt_began_answers_nothing() -> None:
    machine = recovered(S.ACCEPTED)
    machine.handle(PromptAccepted("p0", None), 100.0)
    machine.handle(TurnEnded("p0", "the person's"), 101.0)
    machine.handle(calm(), 102.0)
    end = end_of(machine.handle(calm(), 102.0 + SETTLED))
    assert (end.text, end.message and end.message.state) == ("", S.REJECTED)


def test_c6_without_any_trace_it_is_tried_again_after_the_grace_only() -> None:
    machine = recovered(S.SUBMITTING)
    assert machine.handle(calm(), 100.0) == []
    assert machine.handle(calm(), 100.0 + SETTLED - 0.1) == []
    assert names(machine.handle(calm(), 100.0 + SETTLED)) == ["Save"]
    assert state_of(machine) is None


def test_c6_a_busy_claude_is_waited_for() -> None:
    machine = recovered(S.SUBMITTING)
    for hour in range(5):
        assert machine.handle(BUSY, 100.0 + 3600 * hour) == []


def test_no_enter_while_claude_is_not_idle() -> None:
    machine = recovered(S.SUBMITTING)
    assert machine.handle(Looked(G1, idle=False, blocked="dialog", box=box()), 130.0) == []


def test_c6_a_row_is_proof_without_any_hook() -> None:
    machine = recovered(S.SUBMITTING, prompt_id="")
    (save,) = machine.handle(PromptCommitted("p7", N0, "u"), 101.0)
    assert isinstance(save, Save)
    assert (save.message.state, save.message.prompt_id) == (S.COMMITTED, "p7")


def test_c7_accepted_waits_for_the_rest() -> None:
    machine = recovered(S.ACCEPTED)
    assert machine.handle(BUSY, 200.0) == []
    assert names(machine.handle(PromptCommitted("p0", N0, "u"), 201.0)) == ["Save"]
    assert end_of(machine.handle(TurnEnded("p0", "yes"), 202.0)).text == "yes"


@pytest.mark.parametrize("state", [S.SUBMITTING, S.ACCEPTED])
@pytest.mark.parametrize("look", [GONE, calm(G2)])
def test_c8_accepted_and_claude_died_is_submitted_again_as_it_was(state: S, look: Looked) -> None:
    machine = recovered(state)
    (save,) = machine.handle(look, 101.0)
    assert isinstance(save, Save)
    assert (save.message.state, save.message.resumed) == (S.RECEIVED, False)


@pytest.mark.parametrize("look", [GONE, calm(G2)])
def test_c9_committed_and_claude_died_is_continued(look: Looked) -> None:
    machine = recovered(S.COMMITTED)
    (save,) = machine.handle(look, 101.0)
    assert isinstance(save, Save)
    assert (save.message.state, save.message.resumed) == (S.INTERRUPTED, True)
    save, paste = machine.handle(calm(G2), 102.0)
    assert isinstance(paste, Paste)
    assert paste.message.resumed
    assert paste.generation == G2
    machine.handle(Pasted(paste.message.nonce, "shown"), 102.1)
    machine.handle(PromptCommitted("p2", paste.message.nonce, "u2"), 103.0)
    assert end_of(machine.handle(TurnEnded("p2", "yes"), 104.0)).text == RESUMED + "yes"


@pytest.mark.parametrize("looks", [[(GONE, 101.0)], [(calm(), 101.0), (calm(), 101.0 + STOP_LOST)]])
def test_c10_a_lost_stop_is_harvested_from_the_transcript(looks: list[tuple[Looked, float]]) -> None:
    machine = recovered(S.COMMITTED)
    machine.handle(FinalText("the end", "u"), 100.5)
    commands: list[Command] = []
    for look, now in looks:
        assert commands == []
        commands = machine.handle(look, now)
    assert end_of(commands).text == "the end"


def test_c11_a_spooled_stop_answers_once() -> None:
    machine = recovered(S.COMMITTED)
    assert end_of(machine.handle(TurnEnded("p0", "yes"), 101.0)).text == "yes"
    assert machine.handle(TurnEnded("p0", "yes"), 101.0) == []


def test_c17_a_committed_message_is_never_typed_as_it_was() -> None:
    machine = recovered(S.INTERRUPTED, resumed=True)
    assert machine.handle(GONE, 101.0) == []
    _, paste = machine.handle(calm(G2), 102.0)
    assert isinstance(paste, Paste)
    assert "was interrupted" in compose(paste.message, paste.message.nonce)


@pytest.mark.parametrize("state", [S.PASTING, S.SUBMITTING, S.ACCEPTED, S.COMMITTED, S.INTERRUPTED])
def test_c17_nothing_overtakes_the_message_in_flight(state: S) -> None:
    machine = recovered(state, resumed=state is S.INTERRUPTED, others=1)
    assert [m.id for m in machine.waiting] == ["m-1"]
    assert machine.current is not None
    assert machine.current.id == "m-0"


def test_a_refused_paste_costs_no_attempt_an_unseen_one_does() -> None:
    for outcome, attempt, what in (("refused", 0, ["Save"]), ("unseen", 1, ["Clear", "Save"])):
        machine = Delivery()
        machine.handle(Arrived(M0), 1.0)
        _, paste = machine.handle(calm(), 1.0)
        assert isinstance(paste, Paste)
        assert names(machine.handle(Pasted(paste.message.nonce, outcome), 1.0)) == what
        assert machine.waiting[0].attempt == attempt


def test_after_the_last_attempt_it_is_dead_and_said() -> None:
    machine = recovered(S.SUBMITTING, attempt=5)
    answer = end_of(machine.handle(GONE, 101.0))
    assert answer.message is not None
    assert answer.message.state is S.DEAD
    assert answer.error


def test_an_api_failure_holds_and_continues() -> None:
    machine = recovered(S.COMMITTED)
    assert names(machine.handle(TurnFailed("p0", "rate_limit", ""), 101.0)) == ["Save"]
    assert machine.trouble == "rate_limit"
    assert machine.handle(calm(), 101.0 + HOLD - 1) == []
    assert names(machine.handle(calm(), 101.0 + HOLD)) == ["Save", "Paste"]


def test_a_hopeless_failure_is_the_end_and_one_of_another_turn_is_not() -> None:
    machine = recovered(S.COMMITTED)
    assert machine.handle(TurnFailed("p9", "invalid_request", ""), 101.0) == []
    answer = end_of(machine.handle(TurnFailed("p0", "invalid_request", "too long"), 101.0))
    assert answer.error == "invalid_request: too long"


def test_esc_is_told_to_the_sender() -> None:
    answer = end_of(recovered(S.COMMITTED).handle(TurnInterrupted("u"), 101.0))
    assert answer.message is not None
    assert answer.message.state is S.REJECTED


def test_the_stop_of_a_person_answers_nobody() -> None:
    machine = recovered(S.COMMITTED)
    assert machine.handle(TurnEnded("p9", "secret"), 101.0) == []
    assert state_of(machine) is S.COMMITTED


def test_a_background_task_reports_to_the_message_that_started_it() -> None:
    machine = recovered(S.COMMITTED)
    machine.handle(TurnEnded("p0", "started", ("t1",)), 101.0)
    assert machine.handle(PromptAccepted("p5", None, ("t1",)), 110.0) == [Remember("p5", MessageId("m-0"))]
    assert machine.handle(PromptCommitted("p5", None, "u", ("t1",)), 110.0) == []
    answer = end_of(machine.handle(TurnEnded("p5", "finished"), 111.0))
    assert (answer.message_id, answer.message, answer.text) == ("m-0", None, "finished")


# bugs, each with its minimal case; a fix turns the mark into a failure


def test_idle_before_enter_does_not_count_against_the_turn() -> None:
    machine = Delivery()
    machine.handle(calm(), 0.0)
    machine.handle(Arrived(M0), 3600.0)
    _, paste = machine.handle(calm(), 3600.0)
    assert isinstance(paste, Paste)
    machine.handle(Pasted(paste.message.nonce, "shown"), 3600.1)
    machine.handle(PromptCommitted("p", paste.message.nonce, "u"), 3600.2)
    assert machine.handle(calm(), 3600.2) == []  # the registry is 0.1 s behind: nothing is known yet


def test_a_queued_prompt_is_not_answered_by_the_turn_it_waits_for() -> None:
    machine = recovered(S.SUBMITTING, prompt_id="")
    machine.handle(PromptAccepted("p-running", N0), 101.0)  # measured: the hook names the running turn
    assert machine.handle(TurnEnded("p-running", "for the person at the terminal"), 102.0) == []


def test_a_lost_stop_is_not_harvested_from_the_turn_of_a_person() -> None:
    machine = recovered(S.COMMITTED)
    machine.handle(FinalText("the answer", "u1"), 101.0)
    machine.handle(PromptCommitted("p9", None, "u2"), 101.0)
    machine.handle(FinalText("the person's secret", "u3"), 101.0)
    machine.handle(calm(), 101.0)
    assert end_of(machine.handle(calm(), 101.0 + STOP_LOST)).text == "the answer"


def test_esc_in_a_turn_of_the_person_rejects_nothing() -> None:
    machine = recovered(S.COMMITTED)
    machine.handle(FinalText("the answer", "u1"), 101.0)
    machine.handle(PromptCommitted("p9", None, "u2"), 101.0)
    assert machine.handle(TurnInterrupted("u3"), 101.0) == []
    assert end_of(machine.handle(TurnEnded("p0", "the answer"), 101.0)).text == "the answer"


def test_no_enter_on_a_text_that_a_person_touched() -> None:
    machine = recovered(S.SUBMITTING)
    look = Looked(G1, idle=True, blocked="typing", box=box() + " and delete eve")
    assert machine.handle(look, 100.1) == []


def test_a_late_row_is_proof_for_a_waiting_message_too() -> None:
    machine = recovered(S.PASTING)
    machine.handle(calm(), 101.0)  # again
    machine.handle(PromptCommitted("p0", N0, "u"), 101.5)
    assert "Paste" not in names(machine.handle(calm(), 102.0))


def test_a_failure_without_prompt_id_is_not_ours() -> None:
    machine = recovered(S.SUBMITTING, prompt_id="")
    assert machine.handle(TurnFailed("", "server_error", ""), 101.0) == []


def test_an_end_without_prompt_id_is_not_ours() -> None:
    machine = recovered(S.SUBMITTING, prompt_id="")
    machine.handle(TurnEnded("", "for the person at the terminal"), 100.5)
    assert names(machine.handle(PromptCommitted("", N0, "u"), 101.0)) == ["Save"]


# until when

WALL = 1_000_000.0
"""Wall clock at `now` 0."""
WORDS = "You've hit your 5-hour limit · resets 2:46pm (UTC)"
"""1970-01-12T13:46:40 is WALL."""


def looked_at(now: float, *, step: float = 0.0, **more: Any) -> Looked:
    return Looked(G1, idle=True, blocked="", box="", wall=WALL + now + step, **more)


def limited(*events: object, now: float = 100.0, later: float = 0.0, text: str = "") -> Delivery:
    """A message whose turn the API refused for a limit, with what was told before."""
    machine = recovered(S.COMMITTED)
    machine.later = later
    machine.handle(replace(BUSY, wall=WALL + now), now)
    for event in events:
        machine.handle(event, now)  # type: ignore[arg-type]
    assert names(machine.handle(TurnFailed("p0", "rate_limit", text), now)) == ["Save"]
    return machine


def typed(machine: Delivery, now: float, *, step: float = 0.0) -> bool:
    return "Paste" in names(machine.handle(looked_at(now, step=step), now))


def test_it_is_tried_again_when_the_api_said_and_not_before() -> None:
    machine = limited(LimitTold(WALL + 5000))
    assert not typed(machine, 160.0)
    assert not typed(machine, 4999.0)
    assert machine.wake_at == pytest.approx(5000.0)
    assert typed(machine, 5000.5)


def test_a_row_that_comes_after_the_hook_counts_too() -> None:
    machine = limited()
    machine.handle(LimitTold(WALL + 5000), 101.0)
    assert not typed(machine, 100.0 + HOLD + 1)
    assert typed(machine, 5001.0)


def test_without_a_row_the_words_count() -> None:
    machine = limited(text=WORDS)
    assert not typed(machine, 3600.0)
    assert typed(machine, 3621.0)  # 14:47:00, the end of that minute


@pytest.mark.parametrize("told", [WALL + 99.0, WALL + 100.0 + LONGEST + 60, 0.0, -5.0])
def test_what_is_over_or_too_far_ahead_is_not_believed(told: float) -> None:
    machine = limited(LimitTold(told))
    assert not typed(machine, 100.0 + HOLD - 1)
    assert typed(machine, 100.0 + HOLD + 1)


def test_projects_let_the_assistant_go_first() -> None:
    machine = limited(LimitTold(WALL + 5000), later=10.0)
    assert not typed(machine, 5005.0)
    assert typed(machine, 5010.5)


def test_a_reset_that_comes_at_once_again_and_again_is_no_hot_loop() -> None:
    machine = limited(LimitTold(WALL + 101))
    assert typed(machine, 101.5)
    assert machine.current is not None
    nonce = machine.current.nonce
    machine.handle(PromptCommitted("p1", nonce, "u"), 102.0)
    machine.handle(LimitTold(WALL + 103), 102.0)
    machine.handle(TurnFailed("p1", "rate_limit", ""), 102.0)
    assert not typed(machine, 102.0 + 2 * HOLD - 1)
    assert typed(machine, 102.0 + 2 * HOLD + 1)


def test_a_clock_that_is_set_moves_the_reset_with_it() -> None:
    machine = limited(LimitTold(WALL + 5000))
    assert not typed(machine, 200.0, step=-3600.0)
    assert typed(machine, 300.0, step=+5000.0)


def test_another_refusal_does_not_wait_for_a_limit() -> None:
    machine = recovered(S.COMMITTED)
    machine.handle(replace(BUSY, wall=WALL + 100), 100.0)
    machine.handle(LimitTold(WALL + 5000), 100.0)
    machine.handle(TurnFailed("p0", "overloaded", ""), 100.0)
    assert typed(machine, 100.0 + HOLD + 1)


# held


def test_while_held_nothing_is_typed_and_every_sender_is_told_once() -> None:
    machine = Delivery()
    other = replace(M1, id=MessageId("m-2"), sender="bob")
    for message in (M0, M1, other):
        machine.handle(Arrived(message), 0.0)
    commands = machine.handle(looked_at(1.0, held="no more today"), 1.0)
    assert [(c.message.id, c.tell) for c in commands if isinstance(c, Save)] == [
        ("m-0", "held: no more today"),
        ("m-2", "held: no more today"),
    ]
    assert machine.handle(looked_at(2.0, held="no more today"), 2.0) == []
    assert [message.id for message in machine.waiting] == ["m-0", "m-1", "m-2"]
    assert names(machine.handle(looked_at(3.0), 3.0)) == ["Save", "Paste"]


def test_an_interrupted_message_waits_as_well() -> None:
    machine = recovered(S.INTERRUPTED, resumed=True)
    assert names(machine.handle(looked_at(101.0, held="no more today"), 101.0)) == ["Save"]
    assert state_of(machine) is S.INTERRUPTED
    assert names(machine.handle(looked_at(102.0), 102.0)) == ["Save", "Paste"]


def test_what_is_in_flight_is_let_finish() -> None:
    machine = recovered(S.COMMITTED)
    machine.handle(replace(BUSY, held="no more today"), 100.0)
    assert end_of(machine.handle(TurnEnded("p0", "answer"), 101.0)).text == "answer"
