"""The dashboard without a terminal: what it draws is told, and taken as a picture; keys and clicks come from elsewhere."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from textual import events
from textual.driver import Driver
from textual.geometry import Size
from textual.keys import _character_to_key

from ccmux.dashboard.app import Dashboard

_FONTS: Final = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
_MONO: Final = 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace'
_NAMED: Final = {
    "Enter": "enter",
    "Escape": "escape",
    "Tab": "tab",
    "Backspace": "backspace",
    "Delete": "delete",
    "ArrowUp": "up",
    "ArrowDown": "down",
    "ArrowLeft": "left",
    "ArrowRight": "right",
    "Home": "home",
    "End": "end",
    "PageUp": "pageup",
    "PageDown": "pagedown",
}
_CTRL: Final = frozenset("aejkpquwz")
_COLUMNS, _ROWS = (40, 300), (10, 120)
_LONGEST: Final = 100_000


class WebDriver(Driver):
    """A terminal that nobody sees: only that something was drawn counts."""

    def write(self, data: str) -> None:  # noqa: ARG002 - Textual's signature
        """Something looks different."""
        if isinstance(self._app, WebDashboard):
            self._app.looks_different.set()

    def start_application_mode(self) -> None:
        """Say how big it is."""
        size = Size(*(self._size or (120, 36)))
        self.send_message(events.Resize(size, size))

    def disable_input(self) -> None:
        """There is none."""

    def stop_application_mode(self) -> None:
        """Nothing to put back."""


class WebDashboard(Dashboard):
    """The same app."""

    def __init__(self, **more: Any) -> None:  # noqa: ANN401 - as Dashboard
        super().__init__(driver_class=WebDriver, **more)
        self.looks_different = asyncio.Event()

    def picture(self) -> str:
        """The screen as SVG; it names no font or file of elsewhere."""
        with self._context():  # what is drawn for the first time looks for its app
            drawn = self.export_screenshot()
        return _FONTS.sub("", drawn).replace("Fira Code, monospace", _MONO)

    def take(self, told: object) -> None:
        """A key, a click, a turn of the wheel, a text or a size from the page; what is none of these is nothing."""
        for event in _events(told):
            event.set_sender(self)
            self.post_message(event)


def _events(told: object) -> list[events.Event]:
    match told:
        case {"key": str(name), "ctrl": bool(ctrl), "shift": bool(shift)}:
            key = _key(name, ctrl=ctrl, shift=shift)
            return [key] if key is not None else []
        case {"paste": str(text)}:
            return [events.Paste(text[:_LONGEST])]
        case {"click": [int(x), int(y)]} if _within(x, y):
            return [kind(None, x, y, 0, 0, 1, False, False, False) for kind in (events.MouseDown, events.MouseUp)]
        case {"wheel": int(way), "at": [int(x), int(y)]} if _within(x, y):
            kind = events.MouseScrollDown if way > 0 else events.MouseScrollUp
            return [kind(None, x, y, 0, 0, 0, False, False, False)]
        case {"size": [int(columns), int(rows)]}:
            size = Size(_clamp(columns, _COLUMNS), _clamp(rows, _ROWS))
            return [events.Resize(size, size)]
    return []


def _key(name: str, *, ctrl: bool, shift: bool) -> events.Key | None:
    if name in _NAMED:
        return events.Key("shift+tab" if name == "Tab" and shift else _NAMED[name], None)
    if len(name) != 1 or not name.isprintable():
        return None
    if ctrl:
        return events.Key(f"ctrl+{name.lower()}", None) if name.lower() in _CTRL else None
    return events.Key(name if name.isalnum() else _character_to_key(name), name)


def _within(x: int, y: int) -> bool:
    return 0 <= x < _COLUMNS[1] and 0 <= y < _ROWS[1]


def _clamp(value: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(bounds[1], value))
