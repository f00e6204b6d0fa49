"""The protocol: events, errors, faults in a stream, paths, bodies."""

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from ccmux.standin import StandIn

Ask = Callable[..., Any]


def told(events: list[dict[str, Any]]) -> str:
    """Put the text of streamed events together."""
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")


def directive(**step: Any) -> str:
    return f"<<standin {json.dumps(step)}>>"


def test_a_stream_tells_the_message_in_the_apis_events(stream: Ask) -> None:
    events = stream(directive(text="abcde", chunk=2, usage={"output_tokens": 7}))
    assert [event["type"] for event in events] == [
        "message_start",
        "ping",
        "content_block_start",
        *["content_block_delta"] * 3,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"]["id"].startswith("msg_standin")
    assert events[0]["message"]["model"] == "m"
    assert events[0]["message"]["content"] == []
    assert told(events) == "abcde"
    assert events[-2]["delta"]["stop_reason"] == "end_turn"
    assert events[-2]["usage"]["output_tokens"] == 7


def test_blocks_are_streamed_each_in_its_kind(stream: Ask) -> None:
    events = stream(
        directive(blocks=[{"thinking": "hm"}, {"text": "so"}, {"tool": "Bash", "input": {"command": "ls"}}])
    )
    starts = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    assert [start["type"] for start in starts] == ["thinking", "text", "tool_use"]
    assert starts[2]["id"].startswith("toolu_standin")
    assert starts[2]["input"] == {}
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert [delta["type"] for delta in deltas] == [
        "thinking_delta",
        "signature_delta",
        "text_delta",
        "input_json_delta",
    ]
    assert json.loads(deltas[3]["partial_json"]) == {"command": "ls"}
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_whole_reply_has_the_same_content(say: Ask) -> None:
    reply = say(directive(text="now", tool="Bash", input={"command": "ls"}))
    assert [block["type"] for block in reply["content"]] == ["text", "tool_use"]
    assert reply["content"][1]["input"] == {"command": "ls"}
    assert say(directive(stop="max_tokens", text=""))["stop_reason"] == "max_tokens"
    assert say(directive(text=""))["content"] == []
    assert say(directive(delay=0)) == "OK"


@pytest.mark.parametrize("size", [0, 1, 77, 78, 79, 1_000_000])
def test_a_sized_text_has_exactly_that_size(say: Ask, stream: Ask, size: int) -> None:
    whole = say(directive(text_size=size)) if size else ""
    text = told(stream(directive(text_size=size)))
    assert len(text) == size
    assert text == whole
    assert len(set(text.splitlines())) == len(text.splitlines())


def test_any_character_survives(say: Ask, stream: Ask) -> None:
    text = "é\u2028\U0001f600\x00\ud800\r\n"
    assert told(stream(directive(text=text, chunk=1))) == text
    assert say(directive(text=text)) == text


@pytest.mark.parametrize("drop", [0, 1, 3, 99])
def test_drop_closes_the_connection_after_so_many_deltas(stream: Ask, drop: int) -> None:
    text = directive(text="abcdef", chunk=1, drop=drop, times=1)
    with pytest.raises(http.client.IncompleteRead) as cut:
        stream(text)
    assert cut.value.partial.count(b"content_block_delta\n") == min(drop, 6)
    assert told(stream(text)) == "abcdef"


def test_drop_of_a_whole_reply_answers_nothing(say: Ask) -> None:
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        say(directive(drop=0))


@pytest.mark.parametrize(("after", "deltas"), [(0, 0), (2, 2), (99, 3)])
def test_a_stream_error_comes_after_so_many_deltas(stream: Ask, after: int, deltas: int) -> None:
    events = stream(directive(text="abc", chunk=1, stream_error="overloaded_error", after=after, message="busy"))
    assert events[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    assert len(told(events)) == deltas


def test_a_stream_error_is_an_http_error_without_a_stream(call: Ask) -> None:
    text = directive(stream_error="overloaded_error")
    status, reply = call("/v1/messages", {"messages": [{"role": "user", "content": text}]})
    assert (status, reply["error"]["type"]) == (529, "overloaded_error")


def test_an_error_has_its_status_type_message_and_headers(standin: StandIn) -> None:
    connection = http.client.HTTPConnection(standin.url.removeprefix("http://"), timeout=60)
    text = directive(status=429, error="odd_error", message="slow", headers={"retry-after": 7})
    connection.request("POST", "/v1/messages", json.dumps({"messages": [{"role": "user", "content": text}]}))
    response = connection.getresponse()
    assert (response.status, response.headers["retry-after"]) == (429, "7")
    assert response.headers["request-id"].startswith("req_standin")
    assert json.loads(response.read()) == {"type": "error", "error": {"type": "odd_error", "message": "slow"}}
    connection.close()


def test_silences_are_kept(stream: Ask, standin: StandIn) -> None:
    """The next request cannot have come before they were over."""
    stream(directive(text="abc", chunk=1, delay=0.05, hang=0.05, chunk_delay=0.05))
    stream("next")
    first, second = standin.requests()
    assert second.monotonic - first.monotonic >= 0.25


def test_the_other_paths(call: Ask, standin: StandIn) -> None:
    assert call("/v1/messages/count_tokens?beta=true", {"messages": []})[1]["input_tokens"] > 0
    assert call("/v1/models")[1]["data"] == []
    assert call("/api/hello") == (200, {"message": "hello"})
    assert call("/api/hello", method="HEAD") == (200, None)
    status, reply = call("/v1/nothing", {"a": 1}, method="PUT")
    assert (status, reply["type"], reply["error"]["type"]) == (404, "error", "not_found_error")
    assert [(r.method, r.path) for r in standin.requests()][-2:] == [("HEAD", "/api/hello"), ("PUT", "/v1/nothing")]
    assert not any(r.main or r.source for r in standin.requests())


@pytest.mark.parametrize("body", [None, [1], "text"])
def test_a_body_that_is_no_object_is_refused(call: Ask, standin: StandIn, body: object) -> None:
    status, reply = call("/v1/messages", body, method="POST")
    assert (status, reply["error"]["type"]) == (400, "invalid_request_error")
    assert len(standin.requests()) == 1


def exchange(standin: StandIn, sent: bytes) -> bytes:
    """Send bytes, and read until the other side closes."""
    with socket.create_connection(("127.0.0.1", int(standin.url.rsplit(":", 1)[1])), timeout=60) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_chunked_body_is_read_and_the_connection_kept(standin: StandIn) -> None:
    body = b'{"tools":[1],"messages":[{"role":"user","content":"in chunks"}]}'
    head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    parts = b"5;ext=1\r\n%s\r\n%x\r\n%s\r\n0\r\nTrailer: 1\r\n\r\n" % (body[:5], len(body) - 5, body[5:])
    answer = exchange(standin, head + b"\r\n" + parts + head + b"Connection: close\r\n\r\n" + parts)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.count(b"You wrote: in chunks") == 2


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: x",
        b"Content-Length: -5",
        b"Transfer-Encoding: chunked\r\n\r\nxyz",
        b"Transfer-Encoding: chunked",
    ],
)
def test_a_body_without_a_readable_length_is_refused(standin: StandIn, head: bytes) -> None:
    answer = exchange(standin, b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"bad body" in answer
