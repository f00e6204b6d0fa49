"""HTTP/1.1 on one connection: bodies in, whole answers and streams out, each of them in as few writes as can be."""

import json
import socket
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

_REASONS = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}


class BadBodyError(ValueError):
    """The request's body cannot be read; where the next request starts is not known either."""


class Wire(BaseHTTPRequestHandler):
    """One connection. A client that vanishes shows up as an OSError, which ends the connection without a word."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer requests until either side has enough."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the journal has it."""

    def read_body(self) -> bytes:
        """Read the request's body, whichever way its length is told.

        Raises:
            BadBodyError: its length makes no sense.
            ConnectionError: the client left in the middle of it.

        """
        try:
            if self.headers.get("transfer-encoding", "").lower() != "chunked":
                return self._exactly(int(self.headers.get("content-length") or 0))
            parts = []
            while size := int(self.rfile.readline(1024).split(b";")[0], 16):
                parts.append(self._exactly(size))
                self._exactly(2)
            while self.rfile.readline(65536).strip():
                pass
        except ValueError as error:
            self.close_connection = True
            raise BadBodyError(str(error)) from error
        return b"".join(parts)

    def send_json(self, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer in one write, without which a delayed ACK can hold its body back."""
        data = json.dumps(value).encode()
        length = {"content-type": "application/json", "content-length": str(len(data))}
        self.wfile.write(self._head(status, length | dict(headers or {})) + data)

    def send_empty(self) -> None:
        """Send an answer without a body."""
        self.wfile.write(self._head(200, {"content-length": "0"}))

    def open_stream(self, headers: Mapping[str, str]) -> None:
        """Begin a stream of events, whose data `send_chunk` sends and an empty chunk ends."""
        kind = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        self.wfile.write(self._head(200, kind | {"transfer-encoding": "chunked"} | dict(headers)))

    def send_chunk(self, data: bytes) -> None:
        """Send some of the stream's data."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def hang_up(self) -> None:
        """Close the connection in the middle of whatever it is in."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _exactly(self, size: int) -> bytes:
        if size < 0:
            raise ValueError(f"a length of {size}")
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionResetError
        return data

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        closing = {"connection": "close"} if self.close_connection else {}
        every = {"date": self.date_time_string(), "request-id": f"req_standin{uuid.uuid4().hex[:16]}"} | closing
        lines = [f"{name}: {value}\r\n" for name, value in (every | dict(headers)).items()]
        top = f"{self.protocol_version} {status} {_REASONS.get(status, 'Unknown')}\r\n"
        return "".join([top, *lines, "\r\n"]).encode("latin-1", "replace")
