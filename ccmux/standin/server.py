"""The stand-in as an object: a server on 127.0.0.1 with threads of its own."""

import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ccmux.standin.desk import Desk
from ccmux.standin.journal import Request
from ccmux.standin.routes import Routes
from ccmux.standin.step import parse_steps

HOST = "127.0.0.1"


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that it can end those that wait for a client's next word."""

    request_queue_size = 128
    daemon_threads = False  # so that `server_close` waits for all of them

    def __init__(self, port: int, desk: Desk) -> None:
        self._live: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((HOST, port), type("BoundRoutes", (Routes,), {"desk": desk}))

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, as HTTPServer would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        with self._lock:
            self._live.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        with self._lock:
            self._live.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing about a client that vanished before its connection was set up; the rest is our own mistake."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """End all connections; their threads find out by themselves."""
        with self._lock:
            for connection in self._live:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class StandIn:
    """A running stand-in, as a context manager or between `start` and `close`.

    Steps and rules are JSON values, the same in a directive, over HTTP and here: `ccmux.standin.step` and
    `ccmux.standin.script.parse_rule` describe them. A wrong one raises StepError and changes nothing.
    """

    def __init__(self, *, port: int = 0, log: Path | None = None, keep: int = 1000) -> None:
        self._port = port
        self._desk = Desk(log, keep)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL has to be; it outlives `close`."""
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Bind the port (0: a free one) and begin to answer; after `close`, on the same port, with the same script.

        Raises:
            OSError: the port is taken.

        """
        self._server = _Server(self._port, self._desk)
        self._port = self._server.server_port
        self._desk.open()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="standin")
        self._thread.start()

    def close(self) -> None:
        """End all connections, whatever they are in, and wait until the port and every thread are released."""
        if self._server is None or self._thread is None:
            return
        self._desk.close()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        self._server = self._thread = None

    def queue(self, *steps: Mapping[str, Any]) -> None:
        """Put steps behind those in the queue; each answers one main request."""
        parsed = parse_steps(steps)
        with self._desk.lock:
            self._desk.script.queue.extend(parsed)

    def rules(self, *rules: Mapping[str, Any]) -> None:
        """Replace the rules: `{"match": REGEX, "steps": [STEP, ...], "main": True}`."""
        with self._desk.lock:
            self._desk.script.set_rules(rules)

    def default(self, step: Mapping[str, Any] | None) -> None:
        """Set the step for main requests that nothing else answers; None brings the built-in replies back."""
        with self._desk.lock:
            self._desk.script.set_default(step)

    def reset(self) -> None:
        """Forget the script and the requests."""
        self._desk.reset()

    def requests(self, *, since: int = 0) -> list[Request]:
        """List the requests after number `since`, oldest first; of very many, the newest `keep`."""
        return self._desk.journal.since(since)

    def wait_for(self, predicate: Callable[[Request], bool], timeout: float = 30.0, *, since: int = 0) -> Request:
        """Wait for a request, which may have come already, and return it.

        Raises:
            TimeoutError: none came in time; the text lists those that did.

        """
        request = self._desk.journal.wait_for(predicate, timeout, since)
        if request is None:
            seen = "; ".join(f"{r.method} {r.path} {r.source}" for r in self.requests(since=since)) or "none at all"
            raise TimeoutError(f"no such request in {timeout:g} s; there were: {seen}")
        return request
