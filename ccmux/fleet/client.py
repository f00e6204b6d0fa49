"""Speak to a daemon's control socket: one request, one answer. Imports little: `send` and `ls` pay for it."""

from __future__ import annotations

import json
import socket
from typing import Any, Self

from ccmux.errors import (
    CcmuxError,
    Locked,
    NoSuchInstance,
    NotAnswered,
    ProtocolError,
    Refused,
    UsageError,
    WaitTimedOut,
)
from ccmux.paths import InstancePaths

_BY_EXIT: dict[int, type[CcmuxError]] = {
    2: UsageError,
    4: Refused,
    5: NotAnswered,
    75: Locked,
    124: WaitTimedOut,
}
ANSWER_WITHIN = 10.0


class Client:
    """One connection. A context manager."""

    def __init__(self, paths: InstancePaths, timeout: float | None = ANSWER_WITHIN) -> None:
        self._paths = paths
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(paths.control_socket))
        except BlockingIOError:
            self._socket.close()
            raise Refused(
                f"the daemon of {paths.name} does not answer: too many wait for it", fix="ccmux doctor"
            ) from None
        except (FileNotFoundError, ConnectionRefusedError):
            self._socket.close()
            if not paths.config.exists():
                raise NoSuchInstance(paths.name) from None
            raise Refused(f"{paths.name} is not running", fix=f"ccmux start {paths.name}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def post(self, **request: object) -> None:
        """Send a request without waiting for its answer."""
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except ConnectionError as error:
            raise self._closed() from error

    def answer(self, timeout: float | None = ANSWER_WITHIN) -> dict[str, Any]:
        """The next answer. Raises what the daemon raised; WaitTimedOut when none comes in time."""
        self._socket.settimeout(timeout)
        pieces: list[bytes] = []
        try:
            while not pieces or not pieces[-1].endswith(b"\n"):
                piece = self._socket.recv(1 << 18)
                if not piece:
                    raise self._closed()
                pieces.append(piece)
        except ConnectionError as error:
            raise self._closed() from error
        except TimeoutError:
            raise WaitTimedOut(f"no answer from {self._paths.name} within {timeout:g} s") from None
        value: dict[str, Any] = json.loads(b"".join(pieces))
        failed = value.get("failed")
        if failed is not None:
            raise _BY_EXIT.get(failed["exit"], CcmuxError)(failed["what"], fix=failed["fix"])
        return value

    def _closed(self) -> ProtocolError:
        """It ended, or was killed, just now."""
        return ProtocolError(f"the daemon of {self._paths.name} closed the connection", fix="ccmux status")

    def ask(self, timeout: float | None = ANSWER_WITHIN, **request: object) -> dict[str, Any]:
        """One request and its answer."""
        self.post(**request)
        return self.answer(timeout)
