"""A list above, the chosen one in full below: approvals, dead letters, reports, messages look alike."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static

from ccmux.dashboard import reading
from ccmux.dashboard.screens.base import BoardScreen
from ccmux.dashboard.widgets.columns import Column, Line
from ccmux.dashboard.widgets.table import Table
from ccmux.paths import InstancePaths

T = TypeVar("T")
_LOOK: Final = 1.0
"""Seconds between two looks at what may have changed, while it is on the screen."""


class Listing(BoardScreen, Generic[T]):
    """Reads its list in a thread whenever `mark` is another one."""

    HEADING: ClassVar[str] = ""
    NOTHING: ClassVar[str] = ""
    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.pop_screen", "Back")]

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[str, T] = {}
        self._mark: object = None
        self._asked = ""
        self._reading = False

    def compose(self) -> ComposeResult:
        """Heading, list, text, keys."""
        yield Static(f" ccmux   {self.HEADING}", classes="title", markup=False, id="heading")
        yield Table(self.COLUMNS, strict=True, id="list")
        with VerticalScroll(id="full"):
            yield Static(id="text", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look now, and again."""
        self.query_one("#list", Table).focus()
        self.set_interval(_LOOK, self.draw)
        self.draw()

    @property
    def one(self) -> T | None:
        """What the cursor stands on."""
        return self._found.get(self.query_one("#list", Table).key)

    # what it lists

    def mark(self) -> object:
        """Changes when the list may have. Cheap."""
        raise NotImplementedError

    def read(self) -> dict[str, T]:
        """The list, by key, in its order. Blocking; called in a thread."""
        raise NotImplementedError

    def line(self, key: str, one: T) -> Line:
        """Its row."""
        raise NotImplementedError

    def full(self, one: T) -> Text:
        """Its whole text."""
        raise NotImplementedError

    # drawing

    def draw(self) -> None:
        """Read when there is something new."""
        if self.is_current and not self._reading:
            mark = self.mark()
            if mark != self._mark:
                self._mark, self._reading = mark, True
                self.run_worker(self._read(), group="read")
                return
        if self._mark is not None:
            self._show()

    async def _read(self) -> None:
        try:
            self._found = await asyncio.to_thread(self.read)
        finally:
            self._reading = False
        if self.is_attached:
            self._show()

    def _show(self) -> None:
        table = self.query_one("#list", Table)
        table.show([self.line(key, one) for key, one in self._found.items()])
        self.set_class(not self._found, "bare")
        self._full()

    def _full(self) -> None:
        one = self.one
        if one is not None:
            text = self.full(one)
        elif not self._found:
            text = Text(self.NOTHING)
        else:
            text = Text("That one is gone: it was decided or taken elsewhere. ↑ ↓ choose another.")
        if getattr(self, "_text", None) != text:
            self._text = text
            self.query_one("#text", Static).update(text)

    def on_table_moved(self) -> None:
        """Another text, from its beginning."""
        self._full()
        self.query_one("#full", VerticalScroll).scroll_home(animate=False)


class OfInstance(Protocol):
    """Belongs to one."""

    @property
    def instance(self) -> str: ...


J = TypeVar("J", bound=OfInstance)


class OfJournals(Listing[J]):
    """What stands in the journals of all instances."""

    @property
    def chosen(self) -> str:
        """Whose it is."""
        one = self.one
        return one.instance if one else ""

    def mark(self) -> object:
        """Every journal, and who is there."""
        return {name: reading.stamp(InstancePaths.of(name)) for name in self.dashboard.board.instances}
