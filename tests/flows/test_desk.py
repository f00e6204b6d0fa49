"""What a person sees of messages, and may do with one."""

from __future__ import annotations

import pytest

from tests.rig import Rig, until

pytestmark = pytest.mark.real


def state(rig: Rig, message_id: str) -> str:
    return str(rig.json("trace", message_id)["trace"]["message"]["state"])


def test_a_message_is_traced_from_its_source_to_its_reader(rig: Rig) -> None:
    rig.new("a")
    told = rig.json("send", "a", "hello", "--wait")
    trace = rig.json("trace", told["id"])
    assert (trace["instance"], trace["trace"]["cause"]) == ("a", "person")
    notes = {one["event"]: one["detail"] for one in trace["trace"]["notes"]}
    assert list(notes) == ["pasting", "submitting", "accepted", "committed", "done"]
    assert f"[end-{notes['pasting']}]" in rig.prompts()[0]
    assert notes["accepted"]
    assert notes["committed"]
    (delivery,) = trace["trace"]["deliveries"]
    assert delivery["reply"]["text"] == "You wrote: hello"
    assert "committed" in rig.run("trace", told["id"])
    assert told["id"] in rig.run("outbox", "a")
    rig.run("trace", "m-nonsense", code=2)


def test_waiting_messages_are_shown_in_order_and_can_be_cancelled(rig: Rig) -> None:
    rig.new("a")
    first = rig.run("send", "a", '<<standin {"text": "slow", "delay": 4}>>').strip()
    until(lambda: state(rig, first) == "committed", "the first is in its turn")
    second, third = (rig.run("send", "a", text).strip() for text in ("second", "third"))
    assert [one["id"] for one in rig.json("inbox", "a")["messages"]] == [first, second, third]
    assert rig.run("inbox", "a").count("\n") == 3
    rig.run("cancel", second)
    rig.run("cancel", first, code=4)
    assert "Esc" in rig.stderr
    until(lambda: state(rig, third) == "done", "the third is answered")
    assert [state(rig, one) for one in (first, second)] == ["done", "rejected"]
    assert not any("second" in prompt for prompt in rig.prompts())
    rig.run("cancel", second, code=4)
    assert "no message waits" in rig.run("inbox", "a")


def test_a_dead_message_can_be_retried_or_dropped(rig: Rig) -> None:
    rig.new("a")
    rig.standin.rules(
        {"match": "fails", "steps": [{"status": 404, "error": "not_found_error", "message": "model: claude-x"}]}
    )
    one, two = (rig.run("send", "a", text).strip() for text in ("it fails", "this fails"))
    until(lambda: rig.status("a")["queue"]["dead"] == 2, "both are dead")
    assert [m["id"] for m in rig.json("inbox", "a", "--dead")["messages"]] == [one, two]
    rig.standin.rules()
    rig.run("retry", one)
    until(lambda: state(rig, one) == "done", "it is answered")
    rig.run("drop", two)
    assert rig.status("a")["queue"]["dead"] == 0
    assert state(rig, two) == "rejected"
    rig.run("drop", two, code=4)
    rig.run("retry", one, code=4)
