"""Text of Claude's that notifies nobody and deceives nobody.

What is known of Slack, and from whom. Its documentation: `<!…>`, `<@…>` and `<#…>` are tokens only when the sign follows the
`<` at once, and in mrkdwn `&`, `<` and `>` are shown by their entities. Reports of others: the `markdown` block obeys such
tokens, too, and an entity is decoded there without being read as a token. Not verified against the real Slack: the second
sentence, what a code span of a `markdown` block makes of an entity, and whether a bare `@channel` in it can notify. So a
token is broken by a blank within it, which is no token for any reader, and no other character is changed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_COLOURS: Final = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
"""And whatever else a terminal's output is full of."""
_NEWLINES: Final = re.compile("\r\n|[\r\u0085\u2028\u2029\x0b\x0c]")
_KEPT: Final = frozenset("\n\t\u200c\u200d")
"""ZWNJ and ZWJ: scripts and emoji need them."""
_JOINERS: Final = "[\u200c\u200d]*+"
_BROADCASTS: Final = r"(?:channel|here|everyone|group)(?![A-Za-z0-9])"
_AT: Final = r"(?:@|&#0*64;|&#x0*40;|&commat;)"
_HASH: Final = r"(?:\#|&#0*35;|&#x0*23;|&num;)"
_BANG: Final = r"(?:!|&#0*33;|&#x0*21;|&excl;)"
_TOKEN: Final = re.compile(
    rf"(<|&lt;|&#0*60;|&#x0*3c;)"
    rf"(?={_JOINERS}\\*+{_JOINERS}"
    rf"(?:(?:{_AT}|{_HASH}){_JOINERS}[A-Za-z0-9]"
    rf"|{_BANG}{_JOINERS}(?:channel|here|everyone|group|subteam|date|[a-z]\w*[\^|>])))",
    re.IGNORECASE,
)
_WORD: Final = re.compile(rf"(?<![A-Za-z0-9])({_AT})(?={_JOINERS}{_BROADCASTS})", re.IGNORECASE)


def clean(text: str) -> str:
    """Without characters that show nothing or turn the direction of writing; line breaks of every kind are LF."""
    text = _NEWLINES.sub("\n", _COLOURS.sub("", text))
    return "".join(char for char in text if char in _KEPT or not _hidden(char))


def _hidden(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs")


def defuse(text: str) -> str:
    """With a blank within whatever Slack may take for a mention: `< !here>`, `< @U1>`, `@ channel`. Cleaned text only."""
    return _WORD.sub(r"\1 ", _TOKEN.sub(r"\1 ", text))


def escape(text: str) -> str:
    """For mrkdwn. Twice is not once."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def safe(text: str) -> str:
    """Anybody's text for mrkdwn, where nothing of it but its emphasis means anything."""
    return escape(defuse(clean(text)))
