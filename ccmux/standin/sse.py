"""What a step sounds like on the wire: the message as one JSON object, or as server-sent events."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from ccmux.standin.step import JsonObject, Step

_CHUNK, _BIG_CHUNK, _BIG_TEXT = 200, 4096, 20_000
_LINE = "line {:07d} of a text that the stand-in was asked to make as long as this\n"
_USAGE_LIMIT = 50_000  # see `message`


@dataclass(frozen=True, slots=True)
class Beat:
    """One event and the silence that follows it, in seconds. No event: the connection is closed there and then."""

    event: JsonObject | None
    pause: float = 0.0


def encode(event: JsonObject) -> bytes:
    """Write one event as the protocol wants it, its name being its `type`."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def sized_text(size: int) -> str:
    """Make the text of `text_size`."""
    lines = size // len(_LINE.format(0)) + 1
    return "".join(_LINE.format(number) for number in range(lines))[:size]


def message(step: Step, body: JsonObject, request_size: int) -> JsonObject:
    """Make the message a step answers a request with.

    The usage follows the sizes only up to a limit well below a model's window, so that a client compacts the
    conversation when a step's `usage` asks for it, and never because a test wrote a megabyte.
    """
    content = [_block(block) for block in _blocks(step)]
    read = min(request_size // 8, _USAGE_LIMIT)
    written = sum(len(json.dumps(block)) for block in content) // 4
    usage = {
        "input_tokens": 3,
        "cache_creation_input_tokens": read,
        "cache_read_input_tokens": read,
        "output_tokens": max(1, min(written, _USAGE_LIMIT)),
        "service_tier": "standard",
    }
    calls = any(block["type"] == "tool_use" for block in content)
    return {
        "id": f"msg_standin{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "claude-standin"),
        "content": content,
        "stop_reason": step.stop or ("tool_use" if calls else "end_turn"),
        "stop_sequence": None,
        "usage": usage | step.usage,
    }


def error(kind: str, text: str | None) -> JsonObject:
    """Make the API's error object."""
    return {"type": "error", "error": {"type": kind, "message": text or f"stand-in: {kind}"}}


def beats(step: Step, reply: JsonObject) -> Iterator[Beat]:
    """Tell a message event by event, with the step's silences and its fault.

    A fault that waits for more deltas than there are comes after the last one: it never fails to come.
    """
    fault = step.drop if step.drop is not None else step.after if step.stream_error else None
    deltas = 0
    for event in _events(step, reply):
        is_delta = event["type"] == "content_block_delta"
        deltas += is_delta
        over = event["type"] == "message_delta"
        pause = (step.chunk_delay if is_delta else 0.0) + (step.hang if is_delta and deltas == 1 else 0.0)
        if fault is not None and (over or (deltas >= fault and event["type"] != "message_start")):
            if is_delta:
                yield Beat(event, pause)
            yield Beat(None if step.drop is not None else error(step.stream_error or "", step.message))
            return
        yield Beat(event, pause)


def _blocks(step: Step) -> list[JsonObject]:
    """Say the content of a step as `blocks` would."""
    if step.blocks is not None:
        return step.blocks
    text = step.text if step.text_size is None else sized_text(step.text_size)
    if text is None and step.tool is None:
        text = "OK"
    call = [] if step.tool is None else [{"tool": step.tool, "input": step.input}]
    return [*([{"text": text}] if text else []), *call]


def _block(block: JsonObject) -> JsonObject:
    """One block as the API has it."""
    if "tool" in block:
        ident = f"toolu_standin{uuid.uuid4().hex[:16]}"
        return {"type": "tool_use", "id": ident, "name": block["tool"], "input": block.get("input", {})}
    if "thinking" in block:
        return {"type": "thinking", "thinking": block["thinking"], "signature": "c3RhbmQtaW4="}
    return {"type": "text", "text": block["text"]}


def _events(step: Step, reply: JsonObject) -> Iterator[JsonObject]:
    """All events of a message, without faults."""
    opening = reply | {"content": [], "stop_reason": None, "usage": reply["usage"] | {"output_tokens": 1}}
    yield {"type": "message_start", "message": opening}
    yield {"type": "ping"}
    for index, block in enumerate(reply["content"]):
        shell, deltas = _deltas(step, block)
        yield {"type": "content_block_start", "index": index, "content_block": shell}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": reply["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": reply["usage"]}
    yield {"type": "message_stop"}


def _deltas(step: Step, block: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
    """Split a block into the empty one that opens it and the deltas that fill it."""
    if block["type"] == "tool_use":
        parts = _cut(step, json.dumps(block["input"]))
        return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
    if block["type"] == "thinking":
        parts = _cut(step, block["thinking"])
        deltas: list[JsonObject] = [{"type": "thinking_delta", "thinking": part} for part in parts]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return block | {"thinking": "", "signature": ""}, [*deltas, signed]
    return block | {"text": ""}, [{"type": "text_delta", "text": part} for part in _cut(step, block["text"])]


def _cut(step: Step, text: str) -> list[str]:
    width = step.chunk or (_BIG_CHUNK if len(text) > _BIG_TEXT else _CHUNK)
    return [text[at : at + width] for at in range(0, len(text), width)]
