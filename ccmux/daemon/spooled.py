"""What hooks left on disk, taken in: a file goes when its meaning is journalled, and no sooner."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ccmux.core.hookevent import event_of
from ccmux.hooks import spool
from ccmux.model.turn import TurnEnded, TurnEvent, TurnFailed

log = logging.getLogger(__name__)


class Spooled:
    """The spool of one instance. The end of a turn that may yet be somebody's is kept: a daemon after us needs it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ends: dict[str, Path] = {}

    def events(self, keeps: Callable[[str], bool]) -> Iterator[tuple[TurnEvent, float]]:
        """What is new, oldest first, with the wall clock of its writing. Ask for the next one when one is dealt with:
        then its file goes, but for the end of a turn of which `keeps(prompt_id)` says that it is not settled yet.
        """
        for prompt_id in [known for known in self._ends if not keeps(known)]:
            self._ends.pop(prompt_id).unlink(missing_ok=True)
        for file, payload in spool.pending(self._directory):
            if file in self._ends.values():
                continue
            event = _read(payload)
            if event is not None:
                yield event, spool.written_at(file)
            if isinstance(event, TurnEnded | TurnFailed) and keeps(event.prompt_id):
                self._keep(event.prompt_id, file)
            else:
                file.unlink(missing_ok=True)

    def _keep(self, prompt_id: str, file: Path) -> None:
        if prompt_id in self._ends:
            self._ends[prompt_id].unlink(missing_ok=True)
        self._ends[prompt_id] = file


def _read(payload: bytes) -> TurnEvent | None:
    try:
        return event_of(payload)
    except msgspec.DecodeError as error:
        log.warning("a hook's payload was not understood (%s): %s", error, payload[:200])
        return None
