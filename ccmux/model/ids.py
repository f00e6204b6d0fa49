"""Names and identifiers, each with the one place that checks or makes it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Final, NewType

from ccmux.errors import UsageError

InstanceName = NewType("InstanceName", str)
ChannelName = NewType("ChannelName", str)
MessageId = NewType("MessageId", str)
Nonce = NewType("Nonce", str)
Generation = NewType("Generation", str)
"""One life of a pane: it changes whenever Claude is started in it."""

NAME_PATTERN: Final = r"^[a-z][a-z0-9-]{0,31}$"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
LOCAL: Final = ChannelName("local")
"""The channel that every instance has: `in.local`, `out.local` and `ccmux send`."""
BOSS: Final = ChannelName("boss")
"""Of a project: what it is given to do."""
REPORT: Final = ChannelName("report")
"""Of a project: what it reports."""
PROJECT_REPORT: Final = ChannelName("project-report")
"""Of the assistant: what all projects report."""
ASSISTANT: Final = "personal-assistant"
"""Who gives a directive, as the project that gets it is told."""
_PROJECT: Final = "project-"


def project_channel(name: str) -> ChannelName | None:
    """The assistant's channel to a project: `project-a` for project-a, and for a; None where the name leaves no room for one."""
    channel = channel_name(name if name.startswith(_PROJECT) else _PROJECT + name)
    return None if channel == PROJECT_REPORT else channel


def project_of(channel: str, exists: Callable[[str], bool]) -> str:
    """The project behind such a channel, of those that there are; empty when there is none."""
    if not channel.startswith(_PROJECT) or channel == PROJECT_REPORT:
        return ""
    return next(
        (name for name in (channel, channel.removeprefix(_PROJECT)) if _NAME.fullmatch(name) and exists(name)), ""
    )


def instance_name(text: str) -> InstanceName:
    """The name, checked. It is used in paths, tmux targets and units, so nothing else passes any door."""
    if not _NAME.fullmatch(text):
        shown = ascii(text[:40])
        raise UsageError(
            f"{shown} cannot name an instance: a name matches {NAME_PATTERN}",
            fix="use a lower-case letter first, then at most 31 of a-z, 0-9 and -",
        )
    return InstanceName(text)


def channel_name(text: str) -> ChannelName | None:
    """The channel that a FIFO `in.<text>` names, or None where it cannot be one."""
    return ChannelName(text) if _NAME.fullmatch(text) else None


def new_nonce() -> Nonce:
    """Eight random base32 characters: fresh for every attempt to type, so that an old screen proves nothing."""
    return Nonce(_random(8))


def new_generation() -> Generation:
    """A name for one life of a pane."""
    return Generation("g" + new_nonce())


def new_message_id() -> MessageId:
    """`m-` + 15 base32 characters; the first nine are the time in milliseconds, so ids sort by age."""
    clock, digits = time.time_ns() // 1_000_000, ""
    for _ in range(9):
        clock, digit = divmod(clock, 32)
        digits = _SORTABLE[digit] + digits
    return MessageId("m-" + digits + _random(6))


def _random(length: int) -> str:
    return "".join(_BASE32[byte & 31] for byte in os.urandom(length))


_SORTABLE: Final = "234567abcdefghijklmnopqrstuvwxyz"
