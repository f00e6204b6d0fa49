"""How the connection is, as one value that changes."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from ccmux.gateways.words import Health


class Standing:
    """`changed` is called whenever the health tells something else."""

    def __init__(self) -> None:
        self.health = Health("connecting", time.time())
        self.changed: Callable[[], None] = lambda: None
        self._reason = ""
        self._fix = ""
        self._notes: dict[str, str] = {}

    def tell(self, state: str, reason: str = "", fix: str = "") -> None:
        """The state, and why it is not `up`."""
        self._reason, self._fix = reason, fix
        since = self.health.since if state == self.health.state else time.time()
        self._set(state=state, since=since)

    def note(self, about: str, what: str) -> bool:
        """Something that is wrong while it runs; empty: no longer. Whether that is new."""
        if self._notes.get(about, "") == what:
            return False
        if what:
            self._notes[about] = what
        else:
            del self._notes[about]
        self._set()
        return True

    def account(self, account: str) -> None:
        self._set(account=account)

    def rivals(self, count: int) -> bool:
        """Other connections of the same app; whether the number is news."""
        news = count != self.health.rivals
        self._set(rivals=count)
        return news

    def heard(self) -> None:
        """Too frequent to be told to anybody."""
        self.health = msgspec.structs.replace(self.health, last_heard=time.time())

    def _set(self, **values: object) -> None:
        reason = self._reason or "; ".join(self._notes.values())
        new = msgspec.structs.replace(self.health, reason=reason, fix=self._fix, **values)
        if new != self.health:
            self.health = new
            self.changed()
