"""The keys, and what the marks mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static

from ccmux.dashboard.screens.base import BoardScreen

TEXT = """\
Everywhere
  ↑ ↓  j k         move            enter, double click   open
  a                approvals       x                     dead letters
  l                reports         esc                   back
  d                light or dark   ctrl+p                all commands
  ?                this page       q                     quit

With an instance chosen
  m                write a message to it
  o                give it a directive
  t                its terminal; detach with Ctrl+B d and you are back here
  p                pause it, or go on
  i                interrupt its running turn (asks first)
  s                start it; or stop it (asks first)
  R                restart its daemon, or Claude, too (asks first)
  n                the next one that needs you

An instance          1 terminal   2 messages   3 turns
Approvals            y allow   Y allow for this conversation   r answer a question   N deny
Dead letters         r try again   D put away

Marks
  ○ idle   ● busy   ◌ starting   ◆ needs you   ◇ somebody types
  ◷ limited   ‖ paused   · stopped   ✕ faulted
  QUEUE 3 ▸1 ✕2: three wait, one is in flight, two are dead
  ~$1.20: what a key would have paid; a subscription does not bill it
  TODAY: tokens of every hour since midnight, the most the tallest
"""


class Help(BoardScreen):
    """One page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark", "app.pop_screen", "Back", key_display="esc")
    ]

    def compose(self) -> ComposeResult:
        """The text, scrolled where it is too long."""
        yield Static(" ccmux   help", classes="title", markup=False)
        with VerticalScroll(id="help"):
            yield Static(TEXT, markup=False)
        yield Footer(show_command_palette=False, compact=True)
