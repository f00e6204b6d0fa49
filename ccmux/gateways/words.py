"""What a gateway hears, and what it is to do: the words that every service shares. None of them is Slack's."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import msgspec


class Place(msgspec.Struct, frozen=True):
    """Where something is said."""

    room: str
    """the service's own id of the channel, group or direct conversation"""
    thread: str = ""
    """the id of the message that began the thread; empty outside of threads"""
    direct: bool = False
    """a conversation with one person alone"""
    team: str = ""
    """the workspace or account"""


class Sender(msgspec.Struct, frozen=True):
    """Who said it, by what cannot be chosen freely: the id. The name is data."""

    id: str
    name: str = ""
    bot: bool = False


class RemoteFile(msgspec.Struct, frozen=True):
    """A file that came with a message, not fetched yet."""

    id: str
    name: str
    size: int
    """bytes, as the service tells"""
    url: str
    mime: str = ""


class Kind(StrEnum):
    """What happened to a message."""

    SAID = "said"
    EDITED = "edited"
    DELETED = "deleted"


class Heard(msgspec.Struct, frozen=True):
    """One thing that somebody said, edited or deleted."""

    key: str
    """names the event for ever, however often and by whichever way it comes: the same key again is nothing"""
    place: Place
    sender: Sender
    native: str
    """the service's id of the message"""
    order: str
    """sorts the messages of a room in the order in which they were said"""
    at: float
    """wall clock, seconds"""
    text: str
    kind: Kind = Kind.SAID
    files: tuple[RemoteFile, ...] = ()
    mentioned: bool = False
    """we are addressed by name"""
    hops: int = 0
    """how many programs it went through before, where that is known"""


class Press(msgspec.Struct, frozen=True):
    """Somebody pressed a button under a question of Claude's."""

    approval: str
    """its id"""
    allow: bool
    sender: Sender
    place: Place
    session: bool = False
    answers: tuple[str, ...] = ()
    """to the parts of a question, in their order"""


class Priority(IntEnum):
    """What goes first where there is a queue."""

    APPROVAL = 0
    FINAL = 1
    NOTICE = 2
    PROGRESS = 3


class Verb(StrEnum):
    """What can be done in a place."""

    POST = "post"
    EDIT = "edit"
    DELETE = "delete"
    REACT = "react"
    UNREACT = "unreact"
    UPLOAD = "upload"
    TYPING = "typing"


class Draft(msgspec.Struct, frozen=True):
    """Something to be done, as the service wants it. `body` is the service's own and opaque to everybody else."""

    verb: Verb
    body: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    """what to send instead when the service does not take `body`; empty: nothing"""


class Act(msgspec.Struct, frozen=True):
    """A draft on its way."""

    id: str
    """ours; goes with what is posted where the service allows it, so that it can be found again"""
    place: Place
    draft: Draft
    target: str = ""
    """the service's id of the message that is edited, deleted or reacted to"""
    attempt: int = 1
    first: float = 0.0
    """wall clock of the first attempt, from which on it is looked for; 0: now"""
    hops: int = 0
    """how many programs what it says went through, us included; goes along where the service allows it"""


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """What Claude answered. `files` are absolute paths that may be sent."""

    text: str
    files: tuple[str, ...] = ()
    resumed: bool = False


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """A word of ccmux: why there is no answer, that something waits."""

    text: str
    trouble: bool = False


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """A question of Claude's, as `approvals --json` tells it; decided when its state is not open."""

    approval: dict[str, Any]


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """What the running turn did last, the latest at the end."""

    lines: tuple[str, ...]


Out = Answer | Notice | Asked | Progress


class Mark(StrEnum):
    """How it stands with a message, shown at the message itself."""

    KEPT = "kept"
    DONE = "done"
    FAILED = "failed"


class Health(msgspec.Struct, frozen=True):
    """How the connection is."""

    state: str
    """`connecting`, `up`, `down`, `credentials`"""
    since: float
    reason: str = ""
    fix: str = ""
    account: str = ""
    """as whom, where: for people"""
    rivals: int = 0
    """other connections that take events away from us"""
    last_heard: float = 0.0


class Caps(msgspec.Struct, frozen=True):
    """What the service can do."""

    edits: bool = False
    reactions: bool = False
    buttons: bool = False
    uploads: bool = False
    finds: bool = False
    """what was posted can be found again by our id"""
    typing: bool = False
    history: bool = False
    """what was said while we were away can be read"""
