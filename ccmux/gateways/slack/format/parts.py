"""An answer of Claude's as messages of Slack."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from ccmux.gateways.slack.format.clean import clean, defuse, escape
from ccmux.gateways.slack.format.size import head, units
from ccmux.gateways.slack.format.split import split

_NOTE: Final = 160
_EMPTY: Final = "_(an empty answer)_"
_CUT: Final = "…"
_FALLBACK: Final = 39_000
"""Of 40,000, at which Slack cuts a `text` without a word."""


@dataclass(frozen=True, slots=True)
class Limits:
    """In UTF-16 units. A `markdown` block holds 12,000 over the whole message."""

    part: int = 11_000
    text: int = 3_000
    most_parts: int = 4
    shown: int = 1
    """parts of an answer that goes into a file"""


@dataclass(frozen=True, slots=True)
class Part:
    """One message. `markdown` is `opened`, then a piece of the answer, then `closed`; `text` is for notifications."""

    markdown: str
    text: str
    opened: str = ""
    closed: str = ""

    @property
    def body(self) -> str:
        """The piece of the answer, without lines that are repeated from part to part."""
        return self.markdown[len(self.opened) : len(self.markdown) - len(self.closed)]

    def payload(self) -> dict[str, Any]:
        return {"text": self.text, "blocks": [{"type": "markdown", "text": self.markdown}]}

    def plain_payload(self) -> dict[str, Any]:
        """For a Slack that refuses the blocks: the same, as it was written. What does not fit is said."""
        at = head(self.markdown, _FALLBACK, escaped=True)
        more = len(self.markdown) - at
        told = f"\n{_CUT} {more} more characters" if more else ""
        return {"text": escape(self.markdown[:at]) + told}


@dataclass(frozen=True, slots=True)
class FilePart:
    """The whole answer as a file, defused as the parts are."""

    name: str
    content: str
    text: str


def parts(text: str, limits: Limits | None = None) -> tuple[Part | FilePart, ...]:
    """At least one. Their bodies joined are the answer, cleaned and defused, but for parts of blank lines alone; of an
    answer of too many parts, `limits.shown` show the beginning, and a file holds all of it.
    """
    limits = limits or Limits()
    whole = defuse(clean(text)).strip("\n")
    pieces = split(whole, limits.part)
    if not pieces:
        return (Part(_EMPTY, "(an empty answer)", opened=_EMPTY),)
    if len(pieces) <= limits.most_parts:
        return tuple(_part(one.opened, one.body, one.closed, limits) for one in pieces)
    note = f"\n\n_{_CUT} All {len(whole)} characters of this answer are in the file answer.md._"
    begin = split(whole, max(limits.part - _NOTE, limits.part // 2))[: limits.shown]
    return (
        *(_part(one.opened, one.body, one.closed, limits) for one in begin[:-1]),
        *(_part(one.opened, one.body, one.closed + note, limits) for one in begin[-1:]),
        FilePart("answer.md", whole + "\n", f"The whole answer: {len(whole)} characters."),
    )


def _part(opened: str, body: str, closed: str, limits: Limits) -> Part:
    return Part(opened + body + closed, short(body, limits.text), opened, closed)


_LINK: Final = re.compile(r"!?\[([^\[\]\n]{1,300})\]\((https?://[^\s()<>]{1,2000})\)")
_AUTOLINK: Final = re.compile(r"<(https?://[^\s<>|]{1,2000})>")
_FENCES: Final = re.compile(r"^[ \t>]*(?:`{3,}|~{3,})[^`\n]*\n?", re.MULTILINE)
_HEADS: Final = re.compile(r"^ {0,3}#{1,6}[ \t]+", re.MULTILINE)
_STRONG: Final = re.compile(r"\*\*(\S(?:[^*\n]{0,500}\S)?)\*\*")


def short(markdown: str, most: int) -> str:
    """Markdown for a notification: no marks of headings, fences and strong words, links with where they lead."""
    markdown = markdown[: most * 2]
    text = _STRONG.sub(r"\1", _HEADS.sub("", _FENCES.sub("", markdown)))
    text = defuse(_AUTOLINK.sub(r"\1", _LINK.sub(r"\1 (\2)", text)).strip()) or _CUT
    if units(escape(text)) <= most and len(markdown) < most * 2:
        return escape(text)
    return escape(text[: head(text, most - 2, escaped=True)]).rstrip() + f" {_CUT}"
