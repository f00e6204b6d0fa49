"""A table with a cursor, drawn line by line: what has not changed is not drawn again, and no text is ever markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ccmux.dashboard.widgets.columns import GAP, Cell, Column, Line, cut, fit, natural


class _OfRow(Message):
    """Something about one row."""

    def __init__(self, table: Table, key: str) -> None:
        super().__init__()
        self.table = table
        self.key = key

    @property
    def control(self) -> Table:
        return self.table


class Table(ScrollView, can_focus=True):
    """Rows by key. The cursor stays on its row whatever comes and goes; when that row goes, it stands nowhere if `strict`
    (so that no key is ever meant for another row), else on the next.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--dim",
        "table--good",
        "table--busy",
        "table--warn",
        "table--bad",
        "table--strong",
        "table--accent",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "First", show=False),
        Binding("end,G", "move(1000000)", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    class Moved(_OfRow):
        """The cursor stands on another row, or on none (an empty key)."""

    class Chosen(_OfRow):
        """Enter, or a second click on the row."""

    def __init__(self, columns: Sequence[Column], *, strict: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._strict = strict
        self._lines: list[Line] = []
        self._cursor = -1
        self._shown: list[tuple[int, int]] = []
        self._wanted = natural(self._columns, [])

    # rows

    @property
    def key(self) -> str:
        """Of the row under the cursor; empty when there is none."""
        return self._lines[self._cursor].key if 0 <= self._cursor < len(self._lines) else ""

    @property
    def keys(self) -> list[str]:
        """In their order."""
        return [line.key for line in self._lines]

    def show(self, lines: Sequence[Line]) -> None:
        """Have these rows. Only lines that look different are drawn again."""
        before, key, at = self._lines, self.key, self._cursor
        self._lines = list(lines)
        self._widen()
        if [line.key for line in before] == [line.key for line in lines]:
            for index, (old, new) in enumerate(zip(before, lines, strict=True)):
                if old != new:
                    self.refresh_line(index + 1)
            return
        keys = self.keys
        if key in keys:
            self._cursor = keys.index(key)
        elif self._strict and key:
            self._cursor = -1
        elif not (self._strict and at < 0 and before):
            self._cursor = min(max(at, 0), len(lines) - 1)
        self.virtual_size = Size(self.size.width, len(lines) + 1)
        self.refresh()
        if self.key != key or not before:
            self.post_message(self.Moved(self, self.key))

    def _widen(self) -> None:
        """Columns grow with what they hold; they do not shrink again while somebody looks."""
        now = natural(self._columns, self._lines)
        wanted = [max(one, other) for one, other in zip(self._wanted, now, strict=True)]
        if wanted != self._wanted:
            self._wanted = wanted
            self._fit()
            self.refresh()

    def _fit(self) -> None:
        self._shown = fit(self._columns, max(1, self.scrollable_content_region.width - 2), self._wanted)

    def put_cursor(self, key: str) -> None:
        """On that row, when there is one."""
        if key in self.keys:
            self._to(self.keys.index(key))

    def _to(self, index: int) -> None:
        index = max(0, min(index, len(self._lines) - 1))
        if not self._lines or index == self._cursor:
            return
        before, self._cursor = self._cursor, index
        self.refresh_line(before + 1)
        self.refresh_line(index + 1)
        room = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=index, animate=False)
        elif index >= top + room:
            self.scroll_to(y=index - room + 1, animate=False)
        self.post_message(self.Moved(self, self.key))

    def action_move(self, by: int) -> None:
        """The cursor up or down."""
        self._to(self._cursor + by if self._cursor >= 0 or by < 0 else by - 1)

    def action_page(self, by: int) -> None:
        """A screenful."""
        self._to(self._cursor + by * max(1, self.size.height - 2))

    def action_choose(self) -> None:
        """Open what the cursor stands on."""
        if self.key:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor there, a second one opens."""
        at = event.get_content_offset(self)
        index = at.y - 1 + self.scroll_offset.y if at is not None else -1
        if at is None or at.y < 1 or index >= len(self._lines):
            return
        if index == self._cursor and event.chain > 1:
            self.action_choose()
        self._to(index)

    # drawing

    def on_resize(self) -> None:
        """Other columns may have room."""
        self._wanted = natural(self._columns, self._lines)
        self._fit()
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        self.refresh()

    def on_focus(self) -> None:
        """The cursor is brighter then."""
        self.refresh()

    def on_blur(self) -> None:
        """See `on_focus`."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.size.width
        base = self.rich_style
        if y == 0:
            tone = self._style("table--header")
            return self._strip([Cell(column.title) for column in self._columns], base + tone, width)
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[index]
        if index == self._cursor:
            cursor = self.get_component_rich_style("table--cursor")
            return self._strip(line.cells, base + Style(bgcolor=cursor.bgcolor, bold=self.has_focus), width)
        return self._strip(line.cells, base, width)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    def _strip(self, cells: Sequence[Cell], base: Style, width: int) -> Strip:
        segments = [Segment(" ", base)]
        for number, (index, size) in enumerate(self._shown):
            cell = cells[index]
            if number:
                segments.append(Segment(" " * GAP, base))
            style = base + Style(color=self._style(f"table--{cell.tone}").color) if cell.tone else base
            segments.append(Segment(cut(cell.text, size, right=self._columns[index].right), style))
        return Strip(segments).adjust_cell_length(width, base)

    def line_region(self, key: str) -> Region:
        """Where a row stands in this widget, for tests."""
        return Region(0, self.keys.index(key) + 1 - self.scroll_offset.y, self.size.width, 1)
