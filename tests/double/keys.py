"""What a terminal sends, as keys and text: bracketed pastes, control keys, Esc, and text."""

from __future__ import annotations

import codecs
import re

PASTE, PASTED = b"\x1b[200~", b"\x1b[201~"
_CSI = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)")
_NAMES = {
    0x03: "cancel",
    0x0D: "enter",
    0x0A: "newline",
    0x15: "erase-line",
    0x05: "end",
    0x7F: "backspace",
    0x08: "backspace",
    0x13: "stash",
}
_PAUSE_TELLS = 6
"""Bytes of an escape sequence that may still be on its way; what is shorter waits, or is a person's Esc."""


class Keys:
    """Bytes in, `(key, text)` out; `text` is only of the key `text`."""

    def __init__(self) -> None:
        self._bytes = b""
        self._pasting = False
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    @property
    def undecided(self) -> bool:
        """Whether an Esc stands there that may begin a sequence: after a pause it was the key."""
        return self._bytes.startswith(b"\x1b") and not self._pasting

    def escape(self) -> list[tuple[str, str]]:
        """Nothing followed the Esc."""
        if not self.undecided:
            return []
        self._bytes = self._bytes[1:]
        return [("escape", ""), *self.feed(b"")]

    def feed(self, data: bytes) -> list[tuple[str, str]]:
        self._bytes += data
        found: list[tuple[str, str]] = []
        while self._bytes and self._step(found):
            pass
        return found

    def _step(self, found: list[tuple[str, str]]) -> bool:
        """Take one thing off the front; False when more bytes are needed."""
        if self._pasting:
            return self._paste(found)
        if self._bytes.startswith(PASTE):
            self._bytes, self._pasting = self._bytes[len(PASTE) :], True
            return True
        if self._bytes.startswith(b"\x1b"):
            sequence = _CSI.match(self._bytes)
            if sequence is None:
                if len(self._bytes) < 2 or self._bytes[1:2] in b"[O":
                    return False
                found.append(("escape", ""))
                self._bytes = self._bytes[1:]
                return True
            self._bytes = self._bytes[sequence.end() :]
            return True
        name = _NAMES.get(self._bytes[0])
        if name is not None or self._bytes[0] < 0x20:
            found.append((name or "ignored", ""))
            self._bytes = self._bytes[1:]
            return True
        end = next((at for at, byte in enumerate(self._bytes) if byte < 0x20 or byte == 0x7F), len(self._bytes))
        self._text(self._bytes[:end], found)
        self._bytes = self._bytes[end:]
        return True

    def _paste(self, found: list[tuple[str, str]]) -> bool:
        end = self._bytes.find(PASTED)
        if end < 0:
            keep = next((size for size in range(_PAUSE_TELLS, 0, -1) if self._bytes.endswith(PASTED[:size])), 0)
            whole = len(self._bytes) - keep
            self._text(self._bytes[:whole], found)
            self._bytes = self._bytes[whole:]
            return False
        self._text(self._bytes[:end], found)
        self._bytes, self._pasting = self._bytes[end + len(PASTED) :], False
        return True

    def _text(self, data: bytes, found: list[tuple[str, str]]) -> None:
        text = self._decode(data)
        if text:
            found.append(("text", text.replace("\r\n", "\n").replace("\r", "\n")))
