"""One instance: its terminal as it is now, its messages with the way of each, its turns."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, VerticalScroll
from textual.widgets import Footer, Static, TabbedContent, TabPane

from ccmux.dashboard import reading
from ccmux.dashboard.board import Glance, Row
from ccmux.dashboard.reading import Life
from ccmux.dashboard.screens.base import BoardScreen
from ccmux.dashboard.widgets.columns import Column
from ccmux.dashboard.widgets.detail import detail
from ccmux.dashboard.widgets.life import message_line, message_text, turn_line
from ccmux.dashboard.widgets.pane import LivePane
from ccmux.dashboard.widgets.table import Table
from ccmux.paths import InstancePaths

_LOOK: Final = 1.0
_MESSAGES: Final = (
    Column("", 1),
    Column("TIME", 8),
    Column("STATE", 11, rank=1),
    Column("FROM", 10, rank=2, grow=1, most=24),
    Column("MESSAGE", 16, grow=6),
)
_TURNS: Final = (
    Column("TIME", 19),
    Column("CAUSE", 8),
    Column("MESSAGE", 17, rank=1),
    Column("PROMPT", 12, rank=2, grow=1),
)


class InstanceScreen(BoardScreen):
    """Of the instance of that name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("1", "tab('terminal')", "Terminal", show=False),
        Binding("2", "tab('messages')", "Messages", show=False),
        Binding("3", "tab('turns')", "Turns", show=False),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._instance = name
        self._life = Life()
        self._stamp: reading.Stamp | None = None
        self._head: Text | None = None
        self._reading = False

    @property
    def chosen(self) -> str:
        """This one."""
        return self._instance

    def compose(self) -> ComposeResult:
        """What is known of it, above its three sides."""
        yield Static(id="head", markup=False)
        with TabbedContent(id="sides"):
            with TabPane("1 Terminal", id="terminal"), ScrollableContainer(id="pane-room"):
                yield LivePane(self._instance, id="pane")
            with TabPane("2 Messages", id="messages"):
                yield Table(_MESSAGES, id="message-list")
                with VerticalScroll(id="full"):
                    yield Static(id="trace", markup=False)
            with TabPane("3 Turns", id="turns"):
                yield Table(_TURNS, id="turn-list")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look now, and again."""
        self.set_interval(_LOOK, self._look)
        self.query_one("#pane-room").focus()
        self.draw()
        self._look()

    def action_tab(self, side: str) -> None:
        """Show that side."""
        self.query_one("#sides", TabbedContent).active = side
        where = {"terminal": "#pane-room", "messages": "#message-list", "turns": "#turn-list"}[side]
        self.query_one(where).focus()

    # above

    def draw(self) -> None:
        """What the board knows of it."""
        board = self.dashboard.board
        one = board.instances.get(self._instance)
        if one is None:
            head = Text(f"{self._instance} is not there any more")
        else:
            row = Row(one, board.reports.get(self._instance), board.glances.get(self._instance, Glance()))
            head = detail(row, self.dashboard.clock(), self.dashboard.paint)
        if head != self._head:
            self._head = head
            self.query_one("#head", Static).update(head)

    # below

    def _look(self) -> None:
        """Read the journal when it has changed."""
        stamp = reading.stamp(InstancePaths.of(self._instance))
        if self.is_current and not self._reading and stamp != self._stamp:
            self._stamp, self._reading = stamp, True
            self.run_worker(self._read(), group="read")

    async def _read(self) -> None:
        try:
            self._life = await asyncio.to_thread(reading.life, self._instance)
        finally:
            self._reading = False
        if not self.is_attached:
            return
        messages = [message_line(one) for one in self._life.exchanges]
        self.query_one("#message-list", Table).show(messages)
        self.query_one("#turn-list", Table).show([turn_line(one) for one in self._life.turns])
        self._trace()

    def on_table_moved(self, event: Table.Moved) -> None:
        """The way of another message."""
        if event.table.id == "message-list":
            self._trace()

    def _trace(self) -> None:
        self.run_worker(self._show_trace(), group="trace", exclusive=True)

    async def _show_trace(self) -> None:
        key = self.query_one("#message-list", Table).key
        one = next((one for one in self._life.exchanges if one.message.id == key), None)
        text = Text(self._life.trouble or ("" if self._life.exchanges else "No messages yet: m writes one."))
        if one is not None:
            way = await asyncio.to_thread(reading.trace, self._instance, key)
            text = message_text(one, way, self.dashboard.paint)
        if self.is_attached:
            self.query_one("#trace", Static).update(text)
