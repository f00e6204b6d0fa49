"""The screen of Claude Code 2.1.329 as far as ccmux reads it: the latest turns, and the prompt box between two rules."""

from __future__ import annotations

import unicodedata

_GREY, _PLAIN, _REVERSE, _OFF = "\x1b[38;5;244m", "\x1b[39m", "\x1b[7m", "\x1b[0m"
_LEAST_ABOVE = 4
"""Lines of the conversation that are drawn when the box is tall."""


def width_of(char: str) -> int:
    """Columns of a character on a terminal."""
    if unicodedata.combining(char) or char in "\u200d\u200c\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of that many columns, broken at spaces where there are some."""
    lines: list[str] = []
    for line in text.split("\n"):
        now, used = "", 0
        for word in _words(line):
            size = sum(map(width_of, word))
            if used + size > width and now:
                lines.append(now)
                now, used = "", 0
            for char in word:
                if used + width_of(char) > width:
                    lines.append(now)
                    now, used = "", 0
                now, used = now + char, used + width_of(char)
        lines.append(now)
    return lines


def _words(line: str) -> list[str]:
    """Words, each with the spaces after it."""
    words, now = [], ""
    for char in line:
        if now.endswith(" ") and char != " ":
            words.append(now)
            now = ""
        now += char
    return [*words, now]


def screen(
    columns: int, rows: int, *, name: str, above: list[str], box: str, stashed: bool, busy: bool
) -> tuple[str, int]:
    """What to write to draw everything anew. The second value is how many lines the box has."""
    inside = wrapped(box, columns - 4)
    label = f" {name} ─"
    top = f"{_GREY}{'─' * (columns - len(label))}{label}{_PLAIN}"
    bottom = f"{_GREY}{'─' * columns}{_PLAIN}"
    footer = "  ⏵⏵ don't ask on (shift+tab to cycle)" + (" · esc to interrupt" if busy else "")
    footer += f"{' ' * 20}\x1b[38;5;246mdraft stashed{_PLAIN}" if stashed else ""
    drawn = [("❯\xa0" if number == 0 else "  ") + line for number, line in enumerate(inside)]
    drawn[-1] += f"{_REVERSE} {_OFF}"
    whole = [top, *drawn, bottom, footer]
    if len(whole) > rows - 1:  # taller than the screen: its end alone is seen
        lines = whole[-(rows - 1) :]
    else:
        room = rows - 1 - len(whole)
        lines = [line for piece in above for line in wrapped(piece, columns - 2)][-room:] if room else []
        lines += whole
    at_row = len(lines) - 2
    at_column = 3 + sum(map(width_of, inside[-1]))
    body = "".join(f"{line}{_OFF}\x1b[K\r\n" for line in lines)
    return f"\x1b[H{body}\x1b[J\x1b[{at_row};{at_column}H", len(inside)
