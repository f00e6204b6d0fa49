"""What the model says: directive, queue, rules, default, built-in replies."""

from collections.abc import Callable
from typing import Any

import pytest

from ccmux.standin import StandIn, StepError

Ask = Callable[..., Any]


def user(*texts: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def result(*more: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "hi"}, *more]}


ANSWER = {"role": "assistant", "content": [{"type": "text", "text": "so"}]}
REMINDER = "<system-reminder>\nthe client's own\n</system-reminder>\n"
MID_TURN = "The user sent a new message while you were working:\n{}\n\nThis is how Claude Code surfaces messages ..."


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("hello", "hello"),
        ("  a\nb ", "a\nb"),
        ("[ccmux from=a] body [end-abcd2345]", "body"),
        ("[ccmux from=a to=b]\nbody\n\nof [it]\n[end-abcd2345]", "body\n\nof [it]"),
        ("before [ccmux a] one [end-abcd2345] and [ccmux b]\ntwo\n[end-zzzzzzzz] after", "one\ntwo"),
        ("[ccmux a] never ended [end-abc]", "[ccmux a] never ended [end-abc]"),
        ("[ccmux a] no such end [end-abcd2341]", "[ccmux a] no such end [end-abcd2341]"),
        ("[ccmux a][end-abcd2345]", ""),
    ],
)
def test_the_echo_is_the_body_of_an_envelope_or_all_of_the_text(say: Ask, text: str, reply: str) -> None:
    assert say(text) == f"You wrote: {reply}"


def test_a_long_echo_is_cut_in_the_middle(say: Ask) -> None:
    assert say("x" * 2000) == "You wrote: " + "x" * 2000
    cut = say("a" * 1500 + "b" * 1500)
    assert cut.startswith("You wrote: aaa")
    assert cut.endswith("bbb")
    assert "1000 characters" in cut
    assert len(cut) < 2100


def test_the_clients_reminders_are_not_the_users_text(say: Ask) -> None:
    assert say([user(REMINDER, "mine"), {"role": "system", "content": "# Environment"}]) == "You wrote: mine"
    assert say([user("mine"), ANSWER, user(REMINDER)]) == "You wrote: mine"


def test_a_tool_result_is_acknowledged(say: Ask) -> None:
    assert say([user("go"), ANSWER, result()]) == "Tool done."
    assert say([user("go"), ANSWER, result(*user(REMINDER)["content"])]) == "Tool done."


def test_a_message_sent_while_the_model_works_is_the_newest_text(say: Ask) -> None:
    """Both ways in which Claude Code hands it over."""
    typed = MID_TURN.format("[ccmux a] mid [end-abcd2345]")
    reminder = f"<system-reminder>{typed}</system-reminder>"
    assert say([user("go"), ANSWER, result(), {"role": "system", "content": typed}]) == "You wrote: mid"
    assert say([user("go"), ANSWER, result(*user(reminder)["content"])]) == "You wrote: mid"
    twice = [{"type": "text", "text": MID_TURN.format(word)} for word in ("one", "two\n\nlines")]
    assert say([user("go"), ANSWER, result(), {"role": "system", "content": twice}]) == "You wrote: one\ntwo\n\nlines"
    assert say([result(), {"role": "system", "content": typed}, ANSWER, result()]) == "Tool done."


def test_a_request_without_tools_wants_a_title(say: Ask, standin: StandIn) -> None:
    standin.default({"text": "not for titles"})
    standin.queue({"text": "nor this"})
    assert say("hello", tools=False) == '{"title": "stand-in"}'
    assert say("hello") == "nor this"


def test_step_n_of_a_directive_answers_request_n_after_it(say: Ask) -> None:
    asked = user(REMINDER, 'please <<standin [{"text": "one >> two"}, {"text": "three"}]>> now')
    assert say([asked]) == "one >> two"
    assert say([asked]) == "one >> two"
    assert say([asked, ANSWER, result()]) == "three"
    assert say([asked, ANSWER, result(), ANSWER, result()]) == "Tool done."
    assert say([asked, ANSWER, user("else")]) == "You wrote: else"


def test_a_directive_may_be_one_step_and_the_last_one_counts(say: Ask) -> None:
    assert say('<<standin {"text": "a"}>> <<standin {"text": "b"}>>') == "b"


@pytest.mark.parametrize(
    ("directive", "complaint"),
    [
        ("<<standin nonsense>>", "Expecting value"),
        ('<<standin {"text": "open"', "delimiter"),
        ('<<standin {"text": "open"} more', "no >>"),
        ('<<standin {"txt": 1}>>', "unknown step key 'txt'"),
        ('<<standin {"text": 1}>>', "text does not take 1"),
        ('<<standin {"times": true}>>', "times does not take True"),
        ('<<standin {"delay": -1}>>', "delay must not be below 0"),
        ('<<standin {"delay": NaN}>>', "delay must not be below 0"),
        ('<<standin {"chunk": 0}>>', "chunk"),
        ('<<standin {"status": 200}>>', "status"),
        ('<<standin {"text": "a", "text_size": 3}>>', "exclude each other"),
        ('<<standin {"text": "a", "blocks": []}>>', "blocks excludes"),
        ('<<standin {"blocks": [{"image": 1}]}>>', "a block is one of"),
        ('<<standin {"blocks": [{"text": "a", "tool": "b"}]}>>', "a block is one of"),
        ('<<standin {"blocks": [{"text": "a", "input": {}}]}>>', "unknown key 'input'"),
        ('<<standin {"blocks": [{"tool": "a", "input": 1}]}>>', "a tool block does not take"),
        ('<<standin {"headers": {"a\\r\\nb": 1}}>>', "bad header"),
        ("<<standin [1]>>", "a step is an object"),
        ("<<standin " + "[" * 100_000, "recursion"),
    ],
)
def test_a_bad_directive_is_answered_visibly(say: Ask, directive: str, complaint: str) -> None:
    reply = say(directive)
    assert reply.startswith("stand-in: bad directive: ")
    assert complaint in reply


def test_a_faulty_step_of_a_directive_counts_per_session_and_place(say: Ask) -> None:
    text = '<<standin {"status": 529, "times": 2, "text": "ok"}>>'
    for session in ("one", "two"):
        replies = [say(text, metadata={"user_id": session}) for _ in range(4)]
        assert [reply if isinstance(reply, str) else reply["error"]["type"] for reply in replies] == [
            "overloaded_error",
            "overloaded_error",
            "ok",
            "ok",
        ]
    assert say([user("earlier"), ANSWER, user(text)])["type"] == "error"


def test_the_queue_is_consumed_and_keeps_a_faulty_step_until_its_content_was_given(say: Ask, standin: StandIn) -> None:
    standin.queue({"status": 429, "times": 1, "text": "one"}, {"status": 500}, {"text": "two"})
    replies = [say("hello") for _ in range(5)]
    assert [replies[0]["error"]["type"], replies[2]["error"]["type"]] == ["rate_limit_error", "api_error"]
    assert [replies[1], *replies[3:]] == ["one", "two", "You wrote: hello"]


def test_rules_give_their_steps_in_turn_and_the_last_for_ever(say: Ask, standin: StandIn) -> None:
    standin.rules(
        {"match": "^b", "steps": [{"text": "b1"}, {"status": 529, "times": 1, "text": "b2"}]},
        {"match": "b", "steps": {"text": "any b"}},
        {"match": "b", "steps": {"text": "a title"}, "main": False},
    )
    assert [say("bee"), say("bee")["type"], say("bee"), say("bee")] == ["b1", "error", "b2", "b2"]
    assert [say("a\nb"), say("bee", tools=False), say("x")] == ["any b", "a title", "You wrote: x"]
    assert say([user("<system-reminder>b</system-reminder>", "x")]) == "You wrote: x"


def test_the_order_is_directive_queue_rules_default(say: Ask, standin: StandIn) -> None:
    standin.default({"text": "default"})
    standin.rules({"match": "r", "steps": [{"text": "rule"}]})
    standin.queue({"text": "queue"})
    assert say('r <<standin {"text": "directive"}>>') == "directive"
    assert [say("r"), say("r"), say("x"), say([user("x"), ANSWER, result()])] == ["queue", "rule", "default", "default"]
    assert [r.source for r in standin.requests()] == ["directive 0", "queue", "rule 0", "default", "default"]
    standin.default(None)
    assert say("x") == "You wrote: x"


def test_a_wrong_step_or_rule_changes_nothing(say: Ask, standin: StandIn) -> None:
    standin.rules({"match": "x", "steps": [{"text": "rule"}]})
    for bad in ({"match": "(", "steps": [{}]}, {"match": "x"}, {"match": "x", "steps": []}, {"match": 1, "steps": {}}):
        with pytest.raises(StepError):
            standin.rules({"match": "y", "steps": [{}]}, bad)
    with pytest.raises(StepError):
        standin.queue({"text": "never"}, {"nonsense": 1})
    with pytest.raises(StepError):
        standin.default({"status": "x"})
    assert say("x") == "rule"


@pytest.mark.parametrize("body", [{}, {"messages": None}, {"messages": [1, {"role": "user"}]}])
def test_odd_bodies_get_an_answer(call: Ask, body: dict[str, Any]) -> None:
    status, reply = call("/v1/messages", body | {"tools": [1]})
    assert (status, reply["content"][0]["text"]) == (200, "You wrote: ")
