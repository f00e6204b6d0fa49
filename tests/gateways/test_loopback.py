"""A gateway with real instances behind it: what is said in a room is answered there, once, whatever dies."""

from __future__ import annotations

import pytest

from tests.gateways.village import Village
from tests.rig import Rig, until

pytestmark = pytest.mark.real


def test_a_message_is_answered_in_its_thread_and_marked(rig: Rig, village: Village) -> None:
    rig.new("a")
    rig.standin.queue({"text": "hello anna"})
    village.bind("town", "a")
    village.start()
    native = village.say("town", "hello")
    until(lambda: village.answers("town", native) == ["hello anna"], "answered in the thread")
    until(lambda: village.marks("town", native) == ["done"], "marked")
    (one,) = rig.history("a")
    assert (one["message"]["channel"], one["message"]["sender"]) == ("loopback", "anna")
    village.stop()


def test_strangers_programs_and_other_rooms_are_not_heard_and_written_down(rig: Rig, village: Village) -> None:
    rig.new("a")
    rig.standin.default({"text": "ok"})
    village.bind("town", "a")
    village.start()
    village.say("town", "let me in", who="mallory")
    village.say("town", "beep", who="robot", bot=True)
    village.say("town", "/stop", who="anna")
    good = village.say("town", "hello")
    until(lambda: village.answers("town", good), "who is known is answered")
    assert [one["message"]["text"] for one in rig.history("a")] == ["hello"]
    assert len(village.answers("town")) == 1


def test_what_was_said_while_the_gateway_was_away_is_made_up_for_in_order(rig: Rig, village: Village) -> None:
    rig.new("a")
    rig.standin.default({"text": "ok"})
    village.bind("town", "a")
    village.start()
    first = village.say("town", "one")
    until(lambda: village.answers("town", first), "answered")
    village.kill()
    for number in range(5):
        village.say("town", f"while away {number}")
    village.start()
    until(lambda: len(village.answers("town")) == 6, "all are answered")
    assert [one["message"]["text"] for one in rig.history("a")] == ["one", *(f"while away {n}" for n in range(5))]
