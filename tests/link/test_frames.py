"""The link without any I/O: whatever is lost, doubled or mixed up, each message is taken whole, once or not at all."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.link import (
    OPEN,
    RESEND_FIRST,
    RESEND_LONGEST,
    Ack,
    Assembly,
    Bye,
    Hello,
    Malformed,
    Nack,
    Outstanding,
    Part,
    Whole,
    checksum,
    frame_of,
    line,
)
from ccmux.core.wire import Incoming, out_lines, parse_line
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.message import Reply


def cut(name: str, text: str, size: int) -> list[Part]:
    pieces = [text[at : at + size] for at in range(0, len(text), size)] or [""]
    total = checksum(text)
    return [Part(1, name, number, len(pieces), piece, total) for number, piece in enumerate(pieces, 1)]


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"v":1,"id":"a","part":1,"parts":1,"text":"x"}', Part(1, "a", 1, 1, "x")),
        ('{"v":1,"ack":"a"}', Ack(1, "a")),
        ('{"v":1,"nack":"a","why":"full","retry":true}', Nack(1, "a", "full", retry=True)),
        ('{"v":1,"hello":"me"}', Hello(1, "me")),
        ('{"v":1,"bye":true}', Bye(1, bye=True)),
        ('{"v":1,"id":"a","part":3,"parts":2,"text":"x"}', Malformed("a", "part 3 of 2")),
        ('{"v":1,"id":"a","part":0,"parts":2,"text":"x"}', Malformed("a", "part 0 of 2")),
    ],
)
def test_frames(text: str, frame: object) -> None:
    assert parse_line(text.encode()) == frame
    if not isinstance(frame, Malformed):
        assert parse_line(line(frame).rstrip(b"\n")) == frame  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        '{"v":1,"id":"a b","part":1,"parts":1,"text":"x"}',
        '{"v":1,"id":"","part":1,"parts":1,"text":"x"}',
        '{"v":1,"part":1,"parts":1,"text":"x"}',
        '{"v":1,"id":"a","part":"1","parts":1,"text":"x"}',
        '{"v":1,"ack":7}',
        '{"v":1,"ack":"' + "x" * 201 + '"}',
    ],
)
def test_what_claims_to_be_a_frame_and_is_not_right(text: str) -> None:
    assert isinstance(parse_line(text.encode()), Malformed)


@pytest.mark.parametrize("text", ['{"type":"report"}', '{"v":2,"ack":"a"}', '{"v":1}', '[{"v":1,"ack":"a"}]', "plain"])
def test_other_lines_are_no_frames(text: str) -> None:
    assert parse_line(text.encode()) == Incoming(text)


@given(
    st.lists(st.tuples(st.text(max_size=40), st.integers(1, 7)), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_parts_of_several_messages_mixed_together_make_each_of_them(texts: list[tuple[str, int]], draw: object) -> None:
    queues = [cut(f"m{n}", text, size) for n, (text, size) in enumerate(texts)]
    assembly, found = Assembly(10_000), {}
    while any(queues):
        queue = draw.choice([queue for queue in queues if queue])  # type: ignore[attr-defined]
        whole = assembly.feed(queue.pop(0))
        if whole is not None:
            assert isinstance(whole, Whole)
            assert whole.id not in found
            found[whole.id] = whole.text
    assert found == {f"m{n}": text for n, (text, _) in enumerate(texts)}


@given(st.text(min_size=2, max_size=60), st.lists(st.integers(0, 40), max_size=40))
def test_a_message_with_lost_and_doubled_parts_is_whole_or_nothing(text: str, chosen: list[int]) -> None:
    parts = cut("m", text, 3)
    assembly = Assembly(10_000)
    for number in chosen:
        whole = assembly.feed(parts[number % len(parts)])
        assert not isinstance(whole, Whole) or whole.text == text
    results = [assembly.feed(part) for part in parts]  # its sender begins anew
    assert isinstance(results[-1], Whole)
    assert results[-1].text == text


def test_a_wrong_checksum_and_too_much_are_told() -> None:
    assembly = Assembly(10)
    assembly.feed(Part(1, "m", 1, 2, "ab", "00000000"))
    assert assembly.feed(Part(1, "m", 2, 2, "c", "00000000")) == Malformed("m", "the checksum is another one")
    assembly.feed(Part(1, "m", 1, 9, "12345678"))
    assert assembly.feed(Part(1, "m", 2, 9, "12345678")) == Malformed("m", "longer than 10 bytes")


def test_what_is_never_finished_is_bounded() -> None:
    assembly = Assembly(1000)
    for number in range(OPEN + 5):
        assert assembly.feed(Part(1, f"m{number}", 1, 2, "x")) is None
    assert isinstance(assembly.feed(Part(1, "m0", 2, 2, "y")), Malformed)
    assert isinstance(assembly.feed(Part(1, f"m{OPEN + 4}", 2, 2, "y")), Whole)


def test_sent_again_until_acknowledged_with_growing_pauses() -> None:
    out, now, pauses = Outstanding(), 0.0, []
    assert out.due("r", now)
    for _ in range(9):
        out.sent("r", now)
        due = out.wake_at()
        assert due is not None
        pauses.append(due - now)
        assert not out.due("r", due - 0.01)
        assert out.due("r", due)
        now = due
    assert (pauses[0], pauses[-1]) == (RESEND_FIRST, RESEND_LONGEST)
    assert out.settled("r")
    assert not out.settled("r")
    assert out.wake_at() is None


def test_a_new_reader_gets_all_that_the_old_one_had_not_acknowledged() -> None:
    out = Outstanding()
    out.sent("r", 0.0)
    out.reader_changed()
    assert out.due("r", 0.1)


@pytest.mark.parametrize("limit", [512, 4096])
@given(text=st.text(max_size=3000))
def test_every_line_of_a_reply_fits_and_the_reply_comes_together_again(limit: int, text: str) -> None:
    reply = Reply(MessageId("m-1"), MessageId("m-0"), ChannelName("x"), text)
    assembly, whole = Assembly(10**6), None
    for one in out_lines(reply, limit):
        assert len(one) <= limit
        assert one.endswith(b"\n")
        assert one.count(b"\n") == 1
        frame = frame_of(msgspec.json.decode(one))
        assert isinstance(frame, Part)
        whole = assembly.feed(frame)
    assert isinstance(whole, Whole)
    assert whole.text == text
    assert json.loads(out_lines(reply, limit)[0])["reply_to"] == "m-0"
