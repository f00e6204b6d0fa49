"""What the parts of the dashboard tell each other."""

from __future__ import annotations

from textual.message import Message


class BoardChanged(Message):
    """Something on the board is new. A flood of these is one."""

    def can_replace(self, message: Message) -> bool:
        """The latest says it all."""
        return isinstance(message, BoardChanged)
