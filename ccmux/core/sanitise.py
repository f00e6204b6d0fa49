"""One sanitiser for every text from outside. What it changes is documented in docs/PROTOCOL.md, "Normalisation".

Sources of the facts: Claude Code's prompt box was seen to act on escape sequences, `@path`, and invisible characters
(2.1.329): an ESC[201~ ends a bracketed paste, `@path` inlines a file without asking, an invisible character makes the
first Enter a no-op.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI, as colours and the bracketed-paste markers
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|\Z)"  # OSC, DCS, SOS, PM, APC up to their end
    r"|\x1b[ -/]*[0-~]?"  # every other escape
    r"|\x9b[0-?]*[ -/]*[@-~]",  # CSI as one C1 character
    re.DOTALL,
)
_NEWLINES: Final = re.compile("\r\n|[\r\u0085\u2028\u2029\x0b\x0c]")
_KEPT_FORMAT: Final = frozenset("\u200c\u200d")
"""ZWNJ and ZWJ: scripts and emoji need them."""
_MENTION: Final = re.compile(r"(^|(?<=[\s(\[{\"'`,;:]))@(?=\S)", re.MULTILINE)
_FRAMES: Final = re.compile(r"<(/?(?:pasted_content|system-reminder|task-notification))", re.IGNORECASE)
_CHIPS: Final = re.compile(r"\[(?=(?:Image|Pasted text)\s*#)", re.IGNORECASE)
"""What the prompt box shows in place of an image or of a long paste."""
_ENVELOPE: Final = re.compile(r"\[(ccmux\b|end-)", re.IGNORECASE)


def sanitise(text: str) -> str:
    """The text as Claude may see it: no control, escape or invisible character, no `@path`, no forged envelope.

    Line breaks of every kind become LF, a TAB four spaces, the text NFC. Everything else stays as it is. Doing it twice
    changes nothing more.
    """
    text = _ESCAPES.sub("", text)
    text = _NEWLINES.sub("\n", text).replace("\t", "    ")
    text = unicodedata.normalize("NFC", "".join(c for c in text if _visible(c)))
    text = _FRAMES.sub(r"<\\\1", text)
    text = _MENTION.sub(r"\\@", text)
    text = _CHIPS.sub("(", text)
    return _ENVELOPE.sub(r"(\1", text)


def _visible(char: str) -> bool:
    if char in "\n " or char in _KEPT_FORMAT:
        return True
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return False
    return not ("\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef" or char in _BLANK)


_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0")
"""Characters that are letters or marks by category and show nothing."""
