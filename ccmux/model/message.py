"""What travels: a message in, a reply out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ccmux.model.ids import ChannelName, MessageId, Nonce


class MessageState(StrEnum):
    """The life of a message. Each is committed to the journal; see docs/ARCHITECTURE.md for the picture."""

    RECEIVED = "received"
    """journalled; the sender may forget it"""
    PASTING = "pasting"
    """attempt + 1 is committed; the text is about to stand, or stands, in Claude's input box"""
    SUBMITTING = "submitting"
    """the nonce was seen in the box; Enter is about to be, or was, pressed"""
    ACCEPTED = "accepted"
    """Claude's UserPromptSubmit hook named the nonce; not yet proof"""
    COMMITTED = "committed"
    """the transcript's user row holds the nonce: it is never typed again"""
    INTERRUPTED = "interrupted"
    """committed, but the turn ended without an answer; a new prompt will ask Claude to continue"""
    DONE = "done"
    REJECTED = "rejected"
    """ended without an answer, and the sender was told why"""
    DEAD = "dead"
    """ended without an answer after everything was tried; a person is told"""

    @property
    def ended(self) -> bool:
        return self in (MessageState.DONE, MessageState.REJECTED, MessageState.DEAD)

    @property
    def in_flight(self) -> bool:
        return self in (
            MessageState.PASTING,
            MessageState.SUBMITTING,
            MessageState.ACCEPTED,
            MessageState.COMMITTED,
        )


class AttachmentKind(StrEnum):
    """How Claude is given a file that came with a message."""

    TEXT = "text"
    """the message's own text, too long to be typed"""
    IMAGE = "image"
    """PNG, JPEG, GIF or WebP, by its first bytes"""
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that belongs to a message: our own copy, under our own name, in the instance's inbox."""

    file: str
    """absolute path of the copy"""
    name: str
    """what the sender calls it; data, never a path"""
    kind: AttachmentKind
    size: int
    """bytes"""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to an instance, as the journal holds it."""

    id: MessageId
    channel: ChannelName
    sender: str
    """who wrote it, as the receiver established it; never taken from the message itself"""
    text: str
    received_at: float
    """wall clock, seconds"""
    state: MessageState = MessageState.RECEIVED
    attempt: int = 0
    """how often typing it was begun; counted before the effect"""
    nonce: Nonce = field(default=Nonce(""))
    """of the latest attempt"""
    prompt_id: str = ""
    """Claude's own id of the turn, known from ACCEPTED on"""
    resumed: bool = False
    """its turn was interrupted once; the next prompt asks to continue, and the reply says so"""
    reason: str = ""
    """why it ended, when it did not end done"""
    attachments: tuple[Attachment, ...] = ()
    urgent: bool = False
    """overtakes what waits; never what is in flight"""
    expires_at: float = 0.0
    """wall clock after which it is not begun any more; 0: never"""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer on its way out to the channel of the message that caused it."""

    id: MessageId
    reply_to: MessageId
    channel: ChannelName
    text: str
    error: str = ""
    """set when this is not Claude's answer but the reason why there is none"""
    about: str = ""
    """empty for an answer; else what this tells of: `approval CODE`, `held`"""
    files: str = ""
    """a directory with the files that go with it"""
    to: str = ""
    """the name that the peer of the link gave to the message that caused it"""
