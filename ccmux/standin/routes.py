"""Which answer belongs to which path."""

import json
from urllib.parse import urlsplit

from ccmux.standin import control, sse
from ccmux.standin.desk import Desk
from ccmux.standin.step import JsonObject, Step
from ccmux.standin.wire import BadBodyError, Wire

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_PLAIN = Step()


class Routes(Wire):
    """One connection to the stand-in; `desk` is set in a subclass that the server makes."""

    desk: Desk

    def do_HEAD(self) -> None:  # noqa: N802
        """Answer "are you there?"."""
        self._note({})
        self.send_empty()

    def do_GET(self) -> None:  # noqa: N802
        """Answer any other request, by its path."""
        try:
            raw = self.read_body()
        except BadBodyError as error:
            self._fail(400, f"bad body: {error}")
            return
        path = urlsplit(self.path).path
        if path.startswith(control.PREFIX):
            self.send_json(*control.answer(self.desk, self.command, self.path, raw))
        elif path.endswith("/v1/messages") and self.command == "POST":
            self._messages(raw)
        else:
            self._other(path, raw)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _note(self, body: JsonObject) -> None:
        self.desk.journal.record(self.command, self.path, dict(self.headers.items()), body)

    def _other(self, path: str, raw: bytes) -> None:
        self._note(_parse(raw) or {})
        if path.endswith("/v1/messages/count_tokens"):
            self.send_json({"input_tokens": max(1, len(raw) // 4)})
        elif path.endswith("/v1/models"):
            self.send_json({"data": [], "has_more": False, "first_id": None, "last_id": None})
        elif path == "/api/hello":
            self.send_json({"message": "hello"})
        else:
            self._fail(404, f"the stand-in has no {self.command} {path}")

    def _messages(self, raw: bytes) -> None:
        body = _parse(raw)
        if body is None or "_raw" in body:
            self._note(body or {})
            self._fail(400, "the body is not a JSON object")
            return
        step = self.desk.converse(self.command, self.path, dict(self.headers.items()), body)
        self.desk.pause(step.delay)
        if step.status is not None:
            self._fail(step.status, step.message, step)
            return
        reply = sse.message(step, body, len(raw))
        if body.get("stream"):
            self._stream(step, reply)
            return
        self.desk.pause(step.hang)
        if step.drop is not None:
            self.hang_up()
        elif step.stream_error is not None:
            status = next((status for status, kind in _KINDS.items() if kind == step.stream_error), 500)
            self.send_json(sse.error(step.stream_error, step.message), status, step.headers)
        else:
            self.send_json(reply, headers=step.headers)

    def _stream(self, step: Step, reply: JsonObject) -> None:
        self.open_stream(step.headers)
        for beat in sse.beats(step, reply):
            if beat.event is None:
                self.hang_up()
                return
            self.send_chunk(sse.encode(beat.event))
            self.desk.pause(beat.pause)
        self.send_chunk(b"")

    def _fail(self, status: int, text: str | None, step: Step = _PLAIN) -> None:
        kind = step.error or _KINDS.get(status, "api_error")
        self.send_json(sse.error(kind, text), status, step.headers)


def _parse(raw: bytes) -> JsonObject | None:
    """Read a JSON object; anything else comes back under `_raw`, and nothing at all as None."""
    if not raw:
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"_raw": raw[:2000].decode("latin-1")}
