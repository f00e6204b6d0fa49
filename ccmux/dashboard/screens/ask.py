"""Small screens above the others: a choice before something is interrupted, a text, the keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Label, Static, TextArea


class Choice(ModalScreen[str]):
    """A question with a few answers, each with a key; the result is the answer's key, or empty."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Back")]

    def __init__(self, question: str, answers: dict[str, str]) -> None:
        super().__init__()
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The question above its answers; nothing is chosen beforehand."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False, classes="question")
            for key, answer in self._answers.items():
                yield Button(answer, id=f"answer-{key}", classes="answer")
            yield Button("esc  leave it", id="answer-", classes="answer")

    def on_mount(self) -> None:
        """Enter alone does nothing."""
        self.query_one("#answer-", Button).focus()

    def on_key(self, event: events.Key) -> None:
        """Its key is the answer."""
        if event.key in self._answers:
            event.stop()
            self.dismiss(event.key)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A click, too."""
        self.dismiss((event.button.id or "").removeprefix("answer-"))


class Editor(TextArea):
    """Enter sends; Ctrl+J begins a new line, and what is pasted keeps its own."""

    class Entered(Message):
        """It is to be sent."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key in {"enter", "ctrl+j"}:
            event.stop()
            event.prevent_default()
            if event.key == "enter":
                self.post_message(self.Entered())
            else:
                self.insert("\n")
            return
        await super()._on_key(event)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text that is asked for."""

    title: str
    hint: str
    empty_is_fine: bool = False


class Compose(ModalScreen[str | None]):
    """Ask for a text; None when it is not given."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, wanted: Wanted, above: str = "") -> None:
        super().__init__()
        self._wanted = wanted
        self._above = above

    def compose(self) -> ComposeResult:
        """Title, what it is about, the text, what the keys do."""
        with Vertical(classes="dialog wide"):
            yield Label(self._wanted.title, markup=False, classes="question")
            if self._above:
                with VerticalScroll(classes="above"):
                    yield Static(self._above, markup=False)
            yield Editor(id="text")
            with Horizontal(classes="below"):
                yield Label(self._wanted.hint, markup=False, classes="hint")
                yield Button("Send", id="send")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Editor).focus()

    def on_editor_entered(self) -> None:
        """Enter."""
        self._send()

    def on_button_pressed(self) -> None:
        """A click."""
        self._send()

    def _send(self) -> None:
        text = self.query_one(Editor).text
        if text.strip() or self._wanted.empty_is_fine:
            self.dismiss(text)
