from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccmux.core.wire import Incoming, Unreadable, out_lines, parse_line
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.message import Reply


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"hello", "hello"),
        (b"hello\r", "hello"),
        (b" /cmd ", " /cmd "),
        (b'{"content": "x", "from": "root"}', "x"),
        (b'{"type": "report"}', '{"type": "report"}'),
        (b"{not json", "{not json"),
        (b"[1]", "[1]"),
    ],
)
def test_messages(line: bytes, text: str) -> None:
    assert parse_line(line) == Incoming(text, plain=b"content" not in line)


@pytest.mark.parametrize("line", [b"", b"  ", b"\r", b"\0\0", b'{"content": " "}'])
def test_nothing(line: bytes) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize("line", [b"\xff", b"abc\xc3", b'{"content": 3}', b'{"content": [1]}'])
def test_unreadable(line: bytes) -> None:
    assert isinstance(parse_line(line), Unreadable)


@given(st.one_of(st.binary(), st.text().map(lambda t: ("{" + t).encode("utf-8", "surrogatepass"))))
@example(b"{" * 100_000)
@example(b'{"content": "\\ud800"}')
def test_no_line_raises(line: bytes) -> None:
    assert isinstance(parse_line(line), Incoming | Unreadable | None)


def test_a_deep_line_does_not_raise() -> None:
    assert isinstance(parse_line(b'{"a":' + b"[" * 2000), Incoming)


@given(
    st.text(st.one_of(st.sampled_from('\x00\x01"\\\n\u2028é🙂a'), st.characters(codec="utf-8")), max_size=3000),
    st.text(st.characters(codec="utf-8"), max_size=600),
    st.sampled_from([512, 4096]),
)
@example("\x00" * 5000, "\x00" * 5000, 512)
def test_lines_fit_and_give_the_text(text: str, error: str, limit: int) -> None:
    reply = Reply(MessageId("m-abcdefghijklmno"), MessageId("m-abcdefghijklmno"), ChannelName("local"), text, error)
    lines = out_lines(reply, limit)
    assert all(len(line) <= limit and line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    parts = [json.loads(line) for line in lines]
    assert "".join(part["text"] for part in parts) == text
    assert [part["part"] for part in parts] == list(range(1, len(lines) + 1))
    assert {part["parts"] for part in parts} == {len(lines)}
    assert all(error.startswith(part.get("error", "")) for part in parts)
