"""The instance that has a message or an approval, by its id alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ccmux.errors import CcmuxError, UsageError
from ccmux.fleet import registry
from ccmux.journal.history import Trace, trace
from ccmux.paths import InstancePaths

T = TypeVar("T")


def find(message_id: str) -> tuple[InstancePaths, Trace]:
    """The message's instance and way. Raises UsageError when no journal has it."""
    return everywhere(
        lambda journal: trace(journal, message_id), f"a message {message_id!a}", "ccmux history NAME shows the ids"
    )[0]


def everywhere(look: Callable[[Path], T | None], what: str, fix: str) -> list[tuple[InstancePaths, T]]:
    """Look into every journal; at least one find. Raises UsageError when none has it."""
    unread, found = "", []
    for name in registry.names():
        paths = InstancePaths.of(name)
        try:
            one = look(paths.journal)
        except CcmuxError as error:
            unread = error.what
            continue
        if one is not None:
            found.append((paths, one))
    if not found:
        raise UsageError(f"no instance has {what}", fix=unread or fix)
    return found
