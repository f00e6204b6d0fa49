"""The keys that act on the chosen instance. What interrupts work is asked for twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from ccmux.dashboard.screens.ask import Choice, Compose, Wanted
from ccmux.dashboard.screens.base import BoardScreen

if TYPE_CHECKING:
    from textual.app import App

    from ccmux.dashboard.acts import Acts
    from ccmux.dashboard.board import Board, Instance

    Base = App[None]
else:
    Base = object

_SENDS = "enter sends · ctrl+j new line · esc back"


class Orders(Base):
    """Mixed into the app."""

    if TYPE_CHECKING:
        acts: Acts
        board: Board
        doing: Callable[[Callable[[], str]], Awaitable[None]]
        later: Callable[[Awaitable[None]], None]
        tell: Callable[..., None]

    @property
    def chosen(self) -> str:
        """The instance that is meant; empty when none is."""
        shown = next((one for one in reversed(self.screen_stack) if isinstance(one, BoardScreen)), None)
        return shown.chosen if shown is not None and shown.is_mounted else ""

    def _chosen(self) -> Instance | None:
        found = self.board.instances.get(self.chosen)
        if found is None:
            self.tell("choose an instance first")
        return found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """Keys that act on an instance are there where one is chosen."""
        about_one = action in {
            "message", "directive", "attach", "pause", "interrupt", "restart", "start_or_stop",
        }  # fmt: skip
        return bool(self.chosen) if about_one else True

    def _text_for(self, title: str, act: Callable[[str, str], str]) -> None:
        one = self._chosen()
        if one is None:
            return

        def done(text: str | None) -> None:
            if text:
                self.later(self.doing(partial(act, one.name, text)))

        self.push_screen(Compose(Wanted(f"{title} {one.name}", _SENDS)), done)

    def action_message(self) -> None:
        """A message of yours."""
        self._text_for("Message to", self.acts.send)

    def action_directive(self) -> None:
        """A directive to the project."""
        self._text_for("Directive to", self.acts.direct)

    def action_pause(self) -> None:
        """Hold messages back, or go on."""
        one = self._chosen()
        if one is not None:
            op = "resume" if one.state == "paused" else "pause"
            self.later(self.doing(partial(self.acts.order, one.name, op)))

    def _ask_first(self, question: str, answers: dict[str, str], act: Callable[[str], Callable[[], str]]) -> None:
        def done(answer: str | None) -> None:
            if answer:
                self.later(self.doing(act(answer)))

        self.push_screen(Choice(question, answers), done)

    def action_interrupt(self) -> None:
        """Stop the running turn."""
        one = self._chosen()
        if one is not None:
            self._ask_first(
                f"Interrupt {one.name}? Its running turn ends without an answer.",
                {"y": "y  interrupt it"},
                lambda _: partial(self.acts.order, one.name, "interrupt"),
            )

    def action_restart(self) -> None:
        """Daemon, or Claude, too."""
        one = self._chosen()
        if one is not None:
            self._ask_first(
                f"Restart {one.name}? Conversation and messages are kept.",
                {
                    "d": "d  the daemon only: Claude does not notice",
                    "c": "c  Claude, too: a running turn is interrupted",
                },
                lambda answer: partial(self.acts.restart, one.name, session=answer == "c"),
            )

    def action_start_or_stop(self) -> None:
        """Start what does not run, stop what does."""
        one = self._chosen()
        if one is None:
            return
        if one.state in {"stopped", "faulted"}:
            self.tell(f"{one.name} is being started")
            self.later(self.doing(partial(self.acts.start, one.name)))
            return
        self._ask_first(
            f"Stop {one.name}? Its running turn is interrupted; conversation and messages are kept.",
            {"y": "y  stop it"},
            lambda _: partial(self.acts.stop, one.name),
        )
