"""Messages of ccmux itself in blocks, within the limits of Block Kit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ccmux.gateways.slack.format.clean import clean, defuse, escape, safe
from ccmux.gateways.slack.format.size import head, units

Block = dict[str, Any]

SECTION: Final = 2_900
"""Of 3,000 that a section holds."""
BLOCKS: Final = 50
LABEL: Final = 75
VALUE: Final = 2_000
TEXT: Final = 3_000
_SECTIONS: Final = 3
"""Of one text: all blocks of a message together are refused somewhere above 12,000 characters."""


@dataclass(frozen=True, slots=True)
class Small:
    """One message: blocks, and a text for notifications."""

    text: str
    blocks: tuple[Block, ...]

    def payload(self) -> dict[str, Any]:
        return {"text": self.text, "blocks": list(self.blocks)}

    def plain_payload(self) -> dict[str, Any]:
        """For a Slack that refuses the blocks: their words."""
        found = [one["text"] for block in self.blocks for one in (block.get("text"), *block.get("elements", ())) if one]
        words = [one if isinstance(one, str) else "" for one in found]
        return {"text": "\n".join(word for word in words if word) or self.text}


def notice(text: str) -> Small:
    """A few words, as `error` and `fix` of ccmux."""
    return Small(cut(text, TEXT), tuple(section(piece) for piece in pieces(text)))


def progress(lines: Iterable[str]) -> Small:
    """What Claude does: the last lines of it, one beneath the other, as far as a section holds them."""
    shown: list[str] = []
    size = 0
    for line in reversed([safe(" ".join(line.split())) for line in lines]):
        kept = line if units(line) <= SECTION else "…"
        size += units(kept) + 1
        if size > SECTION:
            break
        shown.insert(0, kept)
    text = "\n".join(shown).strip() or "…"
    return Small(text, (context(text),)) if units(text) <= _CONTEXT else Small(text, (section(text),))


_CONTEXT: Final = 1_900


def queued(number: int) -> Small:
    """`number` messages are before it."""
    waits = "1 message is" if number == 1 else f"{number} messages are"
    text = "Next in line." if number < 1 else f"Queued: {waits} before it."
    return Small(text, (context(text),))


def section(mrkdwn: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}, "expand": True}


def context(mrkdwn: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn}]}


def label(text: str) -> Block:
    """The words of a button."""
    shown = defuse(clean(" ".join(text.split()))).strip() or "…"
    at = head(shown, LABEL)
    if at < len(shown):
        shown = shown[: head(shown, LABEL - 1)].rstrip() + "…"
    return {"type": "plain_text", "text": shown, "emoji": False}


def cut(text: str, most: int) -> str:
    """Anybody's text as mrkdwn of at most so many characters; a … says that it is cut."""
    text = defuse(clean(text)).strip() or "…"
    if units(escape(text)) <= most:
        return escape(text)
    return escape(text[: head(text, most - 2, escaped=True)]).rstrip() + " …"


def pieces(text: str, most: int = SECTION, count: int = _SECTIONS) -> Iterator[str]:
    """Anybody's text as mrkdwn in at most `count` pieces; what is missing is counted."""
    rest = defuse(clean(text)).strip("\n") or "…"
    while rest and count:
        at = head(rest, most, escaped=True)
        if rest[:at].strip():
            yield escape(rest[:at])
        rest, count = rest[at:], count - 1
    if rest:
        yield f"… {len(rest)} more characters."
