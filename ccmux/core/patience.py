"""How long a person's draft or copy mode keeps messages waiting. Events and `now` in, one answer out."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.core.clock import seconds_since

WAITED_FOR = frozenset({"draft", "copy-mode", "tree-mode", "view-mode", "buffer-mode", "client-mode", "clock-mode"})
"""What a person may have left behind, as `ccmux.core.reading.blocked` names it."""


@dataclass(slots=True)
class Patience:
    """Counts from the person's latest key, or from when the hindrance was first seen, whichever is later."""

    seconds: float
    _since: float = 0.0
    _what: tuple[str, str] = ("", "")

    def seen(self, hindrance: str, text: str, last_key: float | None, now: float) -> float | None:
        """Seconds of patience that are left, at least 0; None when there is nothing to be patient about.

        `text` is the draft: one that Claude puts back after a message is not waited for again. `now` and `last_key` are
        the wall clock: when it is set forward a draft may be set aside early, when it is set back the wait begins anew.
        """
        if hindrance not in WAITED_FOR:
            return None
        if self._what != (hindrance, text) or self._since > now:
            self._what, self._since = (hindrance, text), now
        waited = now - self._since
        if last_key is not None:
            waited = min(waited, seconds_since(last_key, now))
        return max(0.0, self.seconds - waited)
