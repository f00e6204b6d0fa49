"""What all screens of the board have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from ccmux.dashboard.messages import BoardChanged

if TYPE_CHECKING:
    from ccmux.dashboard.app import Dashboard


class BoardScreen(Screen[None]):
    """Drawn anew when the board has changed, and when it comes back into view."""

    @property
    def dashboard(self) -> Dashboard:
        """The app."""
        return cast("Dashboard", self.app)

    @property
    def chosen(self) -> str:
        """The instance that a key acts on; empty when there is none."""
        return ""

    def draw(self) -> None:
        """Show what is on the board now."""

    def on_board_changed(self, event: BoardChanged) -> None:
        """Something is new."""
        event.stop()
        self.draw()

    def on_screen_resume(self) -> None:
        """It may be old."""
        self.draw()
