"""Everything that the decisions may ask for. Commands are carried out in order, each before the next."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.model.ids import Generation, MessageId, Nonce
from ccmux.model.message import Message


@dataclass(frozen=True, slots=True)
class Save:
    """Commit the message as it is now, before anything that follows in the list."""

    message: Message
    note: str = ""
    tell: str = ""
    """what its sender is told, once, together with the commit: why there is no answer yet"""


@dataclass(frozen=True, slots=True)
class Paste:
    """Type the message with its nonce into the box of that generation, and tell by `Pasted`."""

    message: Message
    generation: Generation


@dataclass(frozen=True, slots=True)
class Enter:
    """Press Enter if, inside the tmux server, all still holds; tell by `Entered`."""

    nonce: Nonce
    generation: Generation


@dataclass(frozen=True, slots=True)
class Clear:
    """Empty the box of what we typed: (a part of) that message, or one whole envelope that Claude put back."""

    message: Message
    generation: Generation


@dataclass(frozen=True, slots=True)
class Untangle:
    """A person has typed behind our text in the box: delete all of it, and type his words again as his draft."""

    message: Message
    generation: Generation


@dataclass(frozen=True, slots=True)
class Stash:
    """Have Claude set the draft in its box aside, or put it back where the box is empty (one key does both).

    That it was asked for is journalled first. Claude itself puts the draft back after the next prompt.
    """

    generation: Generation


@dataclass(frozen=True, slots=True)
class Answer:
    """One transaction: the message as given, a reply to its channel, the tasks that may yet add to it, the cursor."""

    message_id: MessageId
    message: Message | None
    """the new state of the message; None for a further reply to one that is done"""
    text: str
    error: str = ""
    tasks: tuple[str, ...] = ()
    prompt_id: str = ""
    """a remembered turn that has now ended"""


@dataclass(frozen=True, slots=True)
class Remember:
    """Claude's turn `prompt_id` was caused by that message (through a background task)."""

    prompt_id: str
    message_id: MessageId


Command = Save | Paste | Enter | Clear | Untangle | Stash | Answer | Remember
