"""Since when a living Claude has no registry file: a moment is its start, longer means that it keeps none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccmux.core.sources import Pane, Registered
from ccmux.model.ids import Generation

KEEPS_NONE: Final = 3.0
"""Seconds. The file appears 0.06 s after the first prompt (measured), which takes a second or so to be drawn."""


@dataclass(slots=True)
class Missed:
    """Asked at every look; `wake_at` is when the answer may become another one."""

    wake_at: float | None = None
    _generation: Generation | None = None
    _since: float = 0.0

    def seen(self, pane: Pane | None, registered: Registered | None, now: float) -> bool:
        """Whether this Claude certainly keeps no registry."""
        self.wake_at = None
        missing = pane is not None and not pane.dead and registered is None
        generation = pane.generation if pane is not None and missing else None
        if generation is None or generation != self._generation:
            self._generation, self._since = generation, now
        if generation is None:
            return False
        if now - self._since >= KEEPS_NONE:
            return True
        self.wake_at = self._since + KEEPS_NONE
        return False
