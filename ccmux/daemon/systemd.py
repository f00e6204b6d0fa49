"""What systemd is told, see sd_notify(3): ready, alive, stopping, and which descriptors it shall keep for the next daemon.

Spoken only where `NOTIFY_SOCKET` is set. Claude gets none of these variables: its environment is an allow-list.
"""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from typing import Final, Self

log = logging.getLogger(__name__)

_FIRST_FD: Final = 3
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Notifier:
    """The way to the manager; without an `address` there is none, and nothing is said."""

    address: str = ""
    watchdog: float = 0.0
    """seconds in which the manager wants to hear from us; 0: it does not watch"""

    @classmethod
    def from_environment(cls) -> Self:
        """Also closes the descriptors that the manager kept: it holds them on, and we open the FIFOs by name."""
        ours = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
        kept = int(os.environ.pop("LISTEN_FDS", "0") or 0)
        os.environ.pop("LISTEN_FDNAMES", None)
        for fd in range(_FIRST_FD, _FIRST_FD + kept if ours else _FIRST_FD):
            os.close(fd)
        watched = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog = int(os.environ.get("WATCHDOG_USEC", "0") or 0) / _SECOND
        return cls(os.environ.get("NOTIFY_SOCKET", ""), watchdog if watched else 0.0)

    def tell(self, *lines: str, fds: tuple[int, ...] = ()) -> None:
        """Say it. A manager that does not listen is no reason to end."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
                way.connect(address)
                socket.send_fds(way, ["\n".join(lines).encode()], list(fds)) if fds else way.send(
                    "\n".join(lines).encode()
                )
        except OSError as error:
            log.warning("the manager of services was not told %s: %s", lines[0], error)
