"""The first screen: everything at a glance."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.widgets import Footer, Static

from ccmux.dashboard.board import Row
from ccmux.dashboard.screens.base import BoardScreen
from ccmux.dashboard.widgets.detail import EMPTY, detail, summary
from ccmux.dashboard.widgets.fleet import COLUMNS, line_of
from ccmux.dashboard.widgets.table import Table


class Overview(BoardScreen):
    """The table of all instances, and what the chosen one told."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("n", "next", "Next that needs you", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[str, Text] = {}

    def compose(self) -> ComposeResult:
        """One line, the table, the details, the keys."""
        yield Static(id="summary", markup=False)
        with Vertical(id="body"):
            yield Static(id="empty", markup=False)
            yield Table(COLUMNS, id="fleet")
            yield Static(id="detail", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    @property
    def chosen(self) -> str:
        """Under the cursor."""
        return self.query_one("#fleet", Table).key

    def on_mount(self) -> None:
        """Arrow keys at once."""
        self.query_one("#fleet", Table).focus()
        self.draw()

    def on_resize(self, event: Resize) -> None:
        """A low terminal is the table's alone."""
        self.set_class(event.size.height < 20, "low")  # noqa: PLR2004
        self.draw()

    def draw(self) -> None:
        """Everything that there is."""
        board, now = self.dashboard.board, self.dashboard.clock()
        rows = board.rows()
        self._text("#summary", summary(board, now, self.size.width, self.dashboard.paint))
        self.set_class(not rows, "bare")
        if not rows:
            self._text("#empty", Text(board.trouble or (EMPTY if board.complete else "looking …")))
        self.query_one("#fleet", Table).show([line_of(row, now) for row in rows])
        self._detail(rows)

    def _detail(self, rows: list[Row]) -> None:
        row = next((row for row in rows if row.instance.name == self.chosen), None)
        paint, now = self.dashboard.paint, self.dashboard.clock()
        self._text("#detail", detail(row, now, paint) if row else Text())

    def _text(self, where: str, text: Text) -> None:
        """Only what looks different is drawn again."""
        widget = self.query_one(where, Static)
        if self._texts.get(where) != text:
            self._texts[where] = text
            widget.update(text)

    def on_table_moved(self) -> None:
        """The details of another one."""
        self._detail(self.dashboard.board.rows())

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Open it."""
        self.dashboard.open(event.key)

    def action_next(self) -> None:
        """To the next instance that needs a person."""
        table = self.query_one("#fleet", Table)
        keys = table.keys
        at = keys.index(table.key) + 1 if table.key else 0
        instances = self.dashboard.board.instances
        for key in [*keys[at:], *keys[:at]]:
            if instances[key].needs:
                table.put_cursor(key)
                return
        self.dashboard.tell("nobody needs you")
