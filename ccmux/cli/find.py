"""The instance that has a message, by the message's id alone."""

from __future__ import annotations

from ccmux.errors import CcmuxError, UsageError
from ccmux.fleet import registry
from ccmux.journal.history import Trace, trace
from ccmux.paths import InstancePaths


def find(message_id: str) -> tuple[InstancePaths, Trace]:
    """Look into every journal. Raises UsageError when none has it."""
    unread = ""
    for name in registry.names():
        paths = InstancePaths.of(name)
        try:
            found = trace(paths.journal, message_id)
        except CcmuxError as error:
            unread = error.what
            continue
        if found is not None:
            return paths, found
    raise UsageError(f"no instance has a message {message_id!a}", fix=unread or "ccmux history NAME shows the ids")
