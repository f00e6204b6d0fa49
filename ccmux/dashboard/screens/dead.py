"""Messages that were given up, anywhere: tried again, or put away."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from ccmux.dashboard import reading
from ccmux.dashboard.reading import Dead
from ccmux.dashboard.screens.listing import OfJournals
from ccmux.dashboard.widgets.columns import Cell, Column, Line
from ccmux.dashboard.words import age, block, clock, plain


class DeadLetters(OfJournals[Dead]):
    """Oldest first."""

    HEADING = "dead letters"
    NOTHING = "No message is dead."
    COLUMNS: ClassVar = (
        Column("INSTANCE", 10, grow=1, most=24),
        Column("AGE", 4, rank=1, right=True),
        Column("FROM", 10, rank=4, grow=1, most=24),
        Column("WHY", 14, rank=2, grow=2, most=40),
        Column("MESSAGE", 16, rank=3, grow=5),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "desk('retry')", "Try again"),
        Binding("D", "desk('drop')", "Put away"),
    ]

    def read(self) -> dict[str, Dead]:
        """From the journals."""
        return {one.message.id: one for one in reading.dead([*self.dashboard.board.instances])}

    def line(self, key: str, one: Dead) -> Line:
        """Whose, why, what."""
        message = one.message
        cells = (
            Cell(one.instance, "strong"),
            Cell(age(message.received_at, self.dashboard.clock()), "dim"),
            Cell(plain(f"{message.sender} on {message.channel}"), "dim"),
            Cell(plain(message.reason), "bad"),
            Cell(plain(message.text.strip())),
        )
        return Line(key, cells)

    def full(self, one: Dead) -> Text:
        """All of it."""
        message, dim = one.message, self.dashboard.paint("dim")
        text = Text(f"{message.id} of {one.instance}", style="bold")
        text.append(f"\n{clock(message.received_at, '%Y-%m-%d %H:%M:%S')}", style=f"not bold {dim}")
        text.append(
            f"  {plain(f'{message.channel} from {message.sender}, tried {message.attempt} times')}",
            style=f"not bold {dim}",
        )
        text.append(f"\n{plain(message.reason)}", style=f"not bold {self.dashboard.paint('bad')}")
        return text.append(f"\n\n{block(message.text)}", style="not bold")

    def action_desk(self, op: str) -> None:
        """Try again, or put away."""
        one = self.one
        if one is not None:
            act = partial(self.dashboard.acts.desk, one.instance, op, one.message.id)
            self.dashboard.later(self.dashboard.doing(act))
