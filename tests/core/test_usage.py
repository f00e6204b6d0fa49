"""What rows of a transcript and the status line tell of tokens, money and time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.usage import Fact, Reader, grown, seconds, told_of
from ccmux.model.usage import Active, Spent, Tokens, Told

BEGIN = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def row(seconds_: float, type_: str, **more: Any) -> dict[str, Any]:
    clock = datetime.fromtimestamp(BEGIN + seconds_, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": type_, "uuid": f"u-{seconds_:g}", "timestamp": clock, "isSidechain": False} | more


def answer(seconds_: float, id_: str = "m1", output: int = 7, **more: Any) -> dict[str, Any]:
    usage: dict[str, Any] = {"input_tokens": 3, "output_tokens": output, "cache_read_input_tokens": 20}
    usage |= {"cache_creation_input_tokens": 100, "service_tier": "standard"}
    message = {"id": id_, "model": "claude-x", "usage": usage, "content": [], "stop_reason": "end_turn"}
    return row(seconds_, "assistant", message=message) | more


def prompt(seconds_: float, text: str = "hello") -> dict[str, Any]:
    return row(seconds_, "user", promptId=f"p-{seconds_:g}", message={"role": "user", "content": text})


def duration(seconds_: float, took: float) -> dict[str, Any]:
    return row(seconds_, "system", subtype="turn_duration", durationMs=took * 1000)


def facts(*rows: dict[str, Any], reader: Reader | None = None) -> list[Fact]:
    reader = reader or Reader()
    return [fact for one in rows for fact in reader.read(json.dumps(one, separators=(",", ":")).encode())]


def test_an_answer_tells_its_tokens() -> None:
    assert facts(answer(1)) == [Spent("m1", BEGIN + 1, "claude-x", Tokens(3, 7, 20, 100))]
    assert Tokens(3, 7, 20, 100).total == 130


def test_every_block_tells_the_same_message_and_the_latest_row_comes_last() -> None:
    first, last = facts(answer(1, output=1), answer(2, output=50))
    assert isinstance(first, Spent)
    assert isinstance(last, Spent)
    assert (first.id, last.id, last.tokens.output) == ("m1", "m1", 50)


def test_a_subagents_answer_counts_and_its_prompt_begins_no_turn() -> None:
    reader = Reader()
    told = facts(prompt(0) | {"isSidechain": True}, answer(1) | {"isSidechain": True}, reader=reader)
    assert [type(fact) for fact in told] == [Spent]
    assert reader.since == 0


def test_a_turn_lasts_as_long_as_claude_says() -> None:
    assert facts(prompt(0), answer(1), duration(5, 4.5))[1:] == [Active("u-5", BEGIN + 0.5, BEGIN + 5)]


def test_a_turn_that_a_person_stops_lasts_from_its_prompt_on() -> None:
    stop = row(
        9, "user", message={"role": "user", "content": [{"type": "text", "text": "[Request interrupted by user]"}]}
    )
    assert facts(prompt(2), stop, stop) == [Active("u-9", BEGIN + 2, BEGIN + 9)]


def test_a_turn_that_the_api_refuses_lasts_until_it_is_given_up() -> None:
    refused = answer(30) | {"isApiErrorMessage": True, "error": "overloaded"}
    refused["message"]["model"] = "<synthetic>"
    assert facts(prompt(0), refused) == [Active("u-30", BEGIN, BEGIN + 30)]


def test_a_reader_that_begins_in_the_midst_goes_on_as_if_it_had_read_all() -> None:
    stop = row(9, "user", message={"role": "user", "content": "[Request interrupted by user]"})
    assert facts(stop, reader=Reader(BEGIN + 4)) == [Active("u-9", BEGIN + 4, BEGIN + 9)]
    assert facts(stop) == []


@pytest.mark.parametrize(
    "other",
    [
        answer(1) | {"message": {"id": "x", "model": "<synthetic>", "usage": {"input_tokens": 9}}},
        answer(1) | {"message": {"id": "", "model": "m", "usage": {"input_tokens": 9}}},
        answer(1) | {"message": {"id": "x", "model": "m"}},
        answer(1) | {"message": {"id": 7, "model": "m", "usage": {}}},
        answer(1) | {"message": "usage"},
        answer(1) | {"timestamp": "yesterday"},
        answer(1) | {"timestamp": 12},
        row(1, "system", subtype="turn_duration", durationMs="long"),
        row(1, "attachment", message={"usage": {}}),
        row(1, "cost-state", usage={}),
        duration(1, 1) | {"uuid": ""},
        duration(1, 1) | {"isSidechain": True},
    ],
)
def test_what_is_not_understood_tells_nothing(other: dict[str, Any]) -> None:
    assert facts(other) == []


@given(st.binary(max_size=200))
def test_no_bytes_are_an_error(line: bytes) -> None:
    Reader().read(line)
    Reader().read(b'{"type":"assistant","usage":' + line)
    Reader().read(b'{"type":"user","timestamp":"2026-11-21T00:00:00Z","message":{"content":"' + line + b'"}}')
    told_of(line, 0.0)


def test_numbers_that_nobody_can_have_used_are_bounded() -> None:
    mad = answer(1)
    mad["message"]["usage"] |= {"input_tokens": -5, "output_tokens": 10**30, "cache_read_input_tokens": None}
    (fact,) = facts(mad)
    assert isinstance(fact, Spent)
    assert fact.tokens == Tokens(0, 10**12, 0, 100)
    ((_, active),) = [(1, fact) for fact in facts(duration(0, 10**9))]
    assert isinstance(active, Active)
    assert active.ended - active.began == 7 * 86_400


# cost


def test_the_status_line_tells_the_cost() -> None:
    payload = {"session_id": "s", "cost": {"total_cost_usd": 0.25, "total_duration_ms": 3}, "model": {"id": "x"}}
    assert told_of(json.dumps(payload).encode(), 5.0) == Told("s", 5.0, 0.25)


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[]", b'{"session_id":"s"}', b'{"session_id":"s","cost":{"total_cost_usd":null}}',
                b'{"session_id":"","cost":{"total_cost_usd":1}}', b'{"session_id":"s","cost":{"total_cost_usd":-1}}']
)  # fmt: skip
def test_a_payload_without_a_cost_tells_none(payload: bytes) -> None:
    assert told_of(payload, 1.0) is None


@pytest.mark.parametrize(
    ("totals", "cost"),
    [
        ([0.0, 0.25, 0.25, 1.0], 1.0),  # one life
        ([0.0, 1.0, 1.0, 1.5], 1.5),  # resumed after a clean end: it remembers all
        ([0.0, 0.5, 1.0, 0.5, 0.75], 1.25),  # killed: it remembers what an end before had written
        ([0.0, 1.0, 0.0, 0.5], 1.5),  # killed before any clean end
        ([7.0, 7.5], 0.5),  # a person's own conversation that was taken over
    ],
)
def test_what_a_conversation_has_cost_in_all_its_lives(totals: list[float], cost: float) -> None:
    told = [Told("s", at, total) for at, total in enumerate(totals)]
    assert sum(map(grown, [None, *told], told)) == pytest.approx(cost)


def test_a_word_that_comes_late_adds_nothing() -> None:
    assert grown(Told("s", 5.0, 1.0), Told("s", 4.0, 2.0)) == 0


# time


def turns(*spans: tuple[float, float]) -> list[Active]:
    return [Active(str(number), *span) for number, span in enumerate(spans)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0),
        ([(10, 20)], 10),
        ([(10, 20), (15, 30)], 20),
        ([(10, 30), (15, 20)], 20),
        ([(10, 20), (20, 30)], 20),
        ([(-50, 5), (95, 200)], 10),
        ([(-50, -5), (100, 200)], 0),
        ([(-50, 500)], 100),
        ([(20, 10)], 0),
    ],
)
def test_time_is_counted_once_and_within_the_day(spans: list[tuple[float, float]], expected: float) -> None:
    assert seconds(turns(*spans), 0, 100) == expected


SPANS = st.lists(st.tuples(st.integers(-20, 120), st.integers(-20, 120)), max_size=8)


@given(SPANS)
def test_the_model_of_time(spans: list[tuple[int, int]]) -> None:
    busy = {second for begin, end in spans for second in range(max(0, begin), min(100, end))}
    assert seconds(turns(*spans), 0, 100) == len(busy)


@given(SPANS, st.integers(0, 100))
def test_two_days_are_as_long_as_both_together(spans: list[tuple[int, int]], midnight: int) -> None:
    whole = seconds(turns(*spans), 0, 100)
    assert seconds(turns(*spans), 0, midnight) + seconds(turns(*spans), midnight, 100) == whole
