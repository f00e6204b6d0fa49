"""The stand-in under test, and a plain client for it."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from ccmux.standin import StandIn

TOOLS = [{"name": "Bash", "input_schema": {"type": "object"}}]
Ask = Callable[..., Any]


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture
def call(standin: StandIn) -> Ask:
    """Make one HTTP request: `call(path, body, method=..., **headers)` -> (status, decoded JSON)."""

    def _call(path: str, body: object = None, *, method: str | None = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(standin.url.removeprefix("http://"), timeout=60)
        with closing(connection):
            connection.request(method or ("GET" if data is None else "POST"), path, data, named)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")

    return _call


@pytest.fixture
def say(call: Ask) -> Ask:
    """Ask for the reply to messages, or to one user text: -> the text of the reply, or its JSON when it has no text."""

    def _say(messages: list[dict[str, Any]] | str, *, tools: bool = True, **more: Any) -> Any:
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        body = {"model": "m", "messages": messages, **({"tools": TOOLS} if tools else {}), **more}
        _, reply = call("/v1/messages?beta=true", body)
        content = reply.get("content", [])
        return content[0]["text"] if len(content) == 1 and "text" in content[0] else reply

    return _say


@pytest.fixture
def stream(standin: StandIn) -> Ask:
    """Ask for a streamed reply to one user text: -> the events; what was cut off raises http.client.IncompleteRead."""

    def _stream(text: str) -> list[dict[str, Any]]:
        body = {"model": "m", "stream": True, "tools": TOOLS, "messages": [{"role": "user", "content": text}]}
        connection = http.client.HTTPConnection(standin.url.removeprefix("http://"), timeout=60)
        with closing(connection):
            connection.request("POST", "/v1/messages", json.dumps(body))
            response = connection.getresponse()
            assert response.headers.get_content_type() == "text/event-stream"
            return parse_events(response.read())

    return _stream


def parse_events(data: bytes) -> list[dict[str, Any]]:
    events = []
    for part in data.decode().split("\n\n")[:-1]:
        name, value = part.split("\n")
        events.append(json.loads(value.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events
