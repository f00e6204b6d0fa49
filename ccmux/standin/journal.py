"""The requests that came in, kept in memory and, when asked for, in a file of one JSON object per line."""

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ccmux.standin import transcript
from ccmux.standin.step import JsonObject

_SECRET = {"x-api-key", "authorization", "proxy-authorization", "cookie"}


def fingerprint(secret: str) -> str:
    """Name a credential without giving it away: 16 hex digits of its SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in. `n` counts from 1 and is never given twice, not even after a reset."""

    n: int
    monotonic: float
    ts: float
    """Seconds since the epoch."""
    method: str
    path: str
    """With the query."""
    main: bool
    """A Messages request that offers tools: a turn of the conversation, not a title or a summary."""
    headers: dict[str, str]
    """Names in lower case; in place of a secret stands `<sha256 FINGERPRINT>`."""
    credential_kind: str
    """`api_key`, `bearer`, `both` or `none`."""
    credential_sha: str
    """The `fingerprint` of the key or token itself, without `Bearer `; of the key when there are both; or empty."""
    body: JsonObject
    """Empty when there was none; `{"_raw": ...}` when it was not a JSON object."""
    source: str
    """What of the script answers it; empty for what is no Messages request."""

    @property
    def text(self) -> str:
        """The newest user text, without the client's reminders."""
        return transcript.newest(self.body).text


class Journal:
    """Keeps the newest requests, and wakes those who wait for one."""

    def __init__(self, log: Path | None, keep: int) -> None:
        self._log = log
        self._kept: deque[Request] = deque(maxlen=keep)
        self._arrived = threading.Condition()
        self._n = 0
        self._closed = False

    def record(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: JsonObject,
        *,
        main: bool = False,
        source: str = "",
    ) -> None:
        """Note a request down, its headers' secrets masked."""
        plain = {name.lower(): value for name, value in headers.items()}
        masked = {name: f"<sha256 {_sha(value)}>" if name in _SECRET else value for name, value in plain.items()}
        kind, sha = _credential(plain)
        with self._arrived:
            self._n += 1
            request = Request(
                n=self._n,
                monotonic=time.monotonic(),
                ts=time.time(),
                method=method,
                path=path,
                main=main,
                headers=masked,
                credential_kind=kind,
                credential_sha=sha,
                body=body,
                source=source,
            )
            self._kept.append(request)
            if self._log is not None:
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(request)) + "\n")
            self._arrived.notify_all()

    def since(self, n: int) -> list[Request]:
        """List the kept requests after number `n`, oldest first."""
        with self._arrived:
            return self._since(n)

    def wait_for(self, predicate: Callable[[Request], bool], timeout: float, since: int) -> Request | None:
        """Find the first kept request after `since` that satisfies the predicate; None when none did in time."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while True:
                for request in self._since(since):
                    if predicate(request):
                        return request
                    since = request.n
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    return None
                self._arrived.wait(left)

    def open(self, *, opened: bool) -> None:
        """Let waiters wait, or send all of them away, as those are that come later."""
        with self._arrived:
            self._closed = not opened
            self._arrived.notify_all()

    def clear(self) -> None:
        """Forget all requests; the file, if any, keeps them."""
        with self._arrived:
            self._kept.clear()

    def _since(self, n: int) -> list[Request]:
        return [request for request in self._kept if request.n > n]


def _sha(value: str) -> str:
    """Fingerprint a header's secret, without the scheme before it."""
    return fingerprint(value.split(" ", 1)[-1])


def _credential(headers: Mapping[str, str]) -> tuple[str, str]:
    """Tell the kind and the fingerprint of the credential that a request presents."""
    key, bearer = headers.get("x-api-key"), headers.get("authorization")
    if key is not None:
        return "api_key" if bearer is None else "both", _sha(key)
    return ("none", "") if bearer is None else ("bearer", _sha(bearer))
