"""The terminal of an instance, as it is now. Colours are kept; nothing else of what it holds has any effect here."""

from __future__ import annotations

import os
import re
from typing import Final

from rich.style import Style
from rich.text import Span, Text
from textual.widgets import Static

from ccmux.dashboard.words import visible
from ccmux.errors import CcmuxError
from ccmux.paths import InstancePaths
from ccmux.tmux.server import Server

_EACH: Final = 0.5
"""Seconds between two looks while it is on the screen."""
_ESCAPES: Final = re.compile(
    r"\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\Z)|\x1b[ -/]*[0-~]?", re.DOTALL
)


def coloured(captured: str) -> Text:
    """What `capture-pane -e` gave: of its escape sequences only colours (SGR) count."""
    kept = _ESCAPES.sub(lambda found: found[0] if found[1] is not None else "", captured)
    shown = "".join(char if char == "\x1b" else visible(char) for char in kept)
    text = Text.from_ansi(shown, no_wrap=True, end="")
    text.spans = [Span(span.start, span.end, _ours(span.style)) for span in text.spans]
    text.rstrip()
    return text


def _ours(style: str | Style) -> str | Style:
    """A colour that is the terminal's own is that of our ground."""
    if isinstance(style, str):
        return style
    return Style(
        color=None if style.color is None or style.color.is_default else style.color,
        bgcolor=None if style.bgcolor is None or style.bgcolor.is_default else style.bgcolor,
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        reverse=style.reverse,
        strike=style.strike,
    )


class LivePane(Static):
    """Looked at twice a second while it can be seen."""

    def __init__(self, name: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("looking …", markup=False, id=id)
        self._paths = InstancePaths.of(name)
        self._captured: str | None = None
        self._looking = False

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(_EACH, self._look)
        self._look()

    def _look(self) -> None:
        if not self._looking and self.is_attached and self.screen.is_current and self.is_on_screen:
            self._looking = True
            self.run_worker(self._capture(), group="pane")

    async def _capture(self) -> None:
        try:
            server = Server(self._paths.tmux_socket, self._paths.tmux_conf, dict(os.environ))
            captured = await server.run("capture-pane", "-e", "-p", "-t", f"={self._paths.session}:")
        except (CcmuxError, OSError):
            captured = None
        finally:
            self._looking = False
        if captured is None:
            self._captured = None
            self.update(Text(f"There is no terminal: {self._paths.name} does not run. s starts it."))
        elif captured != self._captured:
            first, self._captured = self._captured is None, captured
            self.update(coloured(captured))
            if first and self.parent is not None:
                self.call_after_refresh(self.scroll_to_its_end)

    def scroll_to_its_end(self) -> None:
        """Claude's prompt is below."""
        if self.is_attached:
            self.screen.query_one("#pane-room").scroll_end(animate=False)
