"""The dashboard: its keys, its themes, and how often it is drawn. What it shows is the screens', what it knows the board's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import ClassVar, Final, Protocol

from textual.app import App, SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.screen import Screen

from ccmux.dashboard import themes
from ccmux.dashboard.acts import Acts
from ccmux.dashboard.board import Board
from ccmux.dashboard.feed import Feed
from ccmux.dashboard.messages import BoardChanged
from ccmux.dashboard.orders import Orders
from ccmux.dashboard.screens.approvals import Approvals
from ccmux.dashboard.screens.dead import DeadLetters
from ccmux.dashboard.screens.help import Help
from ccmux.dashboard.screens.instance import InstanceScreen
from ccmux.dashboard.screens.overview import Overview
from ccmux.dashboard.screens.reports import ReportLog
from ccmux.errors import CcmuxError
from ccmux.paths import InstancePaths
from ccmux.tmux.server import tmux_binary

_DRAWN: Final = 0.25
"""Seconds between two drawings, at least."""
_AGES: Final = 10.0
"""Seconds after which ages are reckoned anew."""
_STYLES: Final = Path(__file__).parent / "styles"


class Source(Protocol):
    """Fills the board until it is cancelled."""

    async def run(self) -> None:
        """See `ccmux.dashboard.feed`."""


class Dashboard(Orders, App[None]):
    """`source` makes what fills the board; `clock` is the wall clock."""

    TITLE = "ccmux"
    CSS_PATH: ClassVar = [_STYLES / "dashboard.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("m", "message", "Message"),
        Binding("o", "directive", "Directive", show=False),
        Binding("t", "attach", "Terminal"),
        Binding("a", "approvals", "Approvals"),
        Binding("x", "dead", "Dead letters"),
        Binding("l", "log", "Reports"),
        Binding("p", "pause", "Pause/go on"),
        Binding("i", "interrupt", "Interrupt", show=False),
        Binding("R", "restart", "Restart", show=False),
        Binding("s", "start_or_stop", "Start/stop", show=False),
        Binding("d", "toggle_dark", "Light/dark", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(
        self,
        source: Callable[[Board, Callable[[], None]], Source] = Feed,
        clock: Callable[[], float] = time.time,
        acts: Acts | None = None,
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class)
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        self.theme = themes.suitable()
        self.board = Board()
        self.clock = clock
        self.acts = acts or Acts()
        self._source = source(self.board, self.changed)
        self._due: asyncio.TimerHandle | None = None
        self._drawn = 0.0
        self.drawings = 0
        """how often the screen was told to look at the board"""

    def get_default_screen(self) -> Screen[None]:
        """The overview lies beneath all others."""
        return Overview()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a theme that is not ours lacks."""
        return themes.MISSING

    def on_mount(self) -> None:
        """Begin to look."""
        self.run_worker(self._source.run(), name="feed", group="feed", exclusive=True)
        self.set_interval(_AGES, self.changed)

    # drawing

    def changed(self) -> None:
        """The board is another one; it is drawn soon, and not more often than `_DRAWN` allows."""
        if self._due is None and self.is_running:
            wait = max(0.01, self._drawn + _DRAWN - time.monotonic())
            self._due = asyncio.get_running_loop().call_later(wait, self._draw)

    def _draw(self) -> None:
        self._due, self._drawn = None, time.monotonic()
        if self.is_running and self.screen_stack:
            self.drawings += 1
            self.screen.post_message(BoardChanged())

    def paint(self, tone: str) -> str:
        """A tone of the tables as a style of rich's."""
        names = {
            "dim": "quiet",
            "good": "success",
            "busy": "primary",
            "warn": "warning",
            "bad": "error",
            "accent": "accent",
        }
        return self.theme_variables.get(names.get(tone, ""), "")

    def action_toggle_dark(self) -> None:
        """Light, dark, and back."""
        self.theme = themes.DARK.name if not self.current_theme.dark else themes.LIGHT.name
        self.changed()

    def tell(self, words: str, *, wrong: bool = False) -> None:
        """A word in the corner; never markup."""
        self.notify(words, severity="error" if wrong else "information", timeout=8 if wrong else 4, markup=False)

    async def doing(self, act: Callable[[], str]) -> None:
        """Do it in a thread, and tell what came of it."""
        try:
            said = await asyncio.to_thread(act)
        except CcmuxError as error:
            self.tell(str(error), wrong=True)
        except OSError as error:
            self.tell(f"{error}\n  to mend it: ccmux doctor", wrong=True)
        else:
            self.tell(said)
        self.changed()

    def later(self, work: Awaitable[None]) -> None:
        """Do it beside the keys; its failure is told by `doing`."""
        self.run_worker(work, group="acts")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Ours, then Textual's."""
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and self.check_action(binding.action, ()):
                yield SystemCommand(
                    binding.description, f"key {binding.key_display or binding.key}", self._runs(binding.action)
                )
        yield from (one for one in super().get_system_commands(screen) if one.title in {"Theme", "Screenshot"})

    def _runs(self, action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.run_action(action)

        return run

    # screens

    def open(self, name: str) -> None:
        """One instance in full."""
        self.push_screen(InstanceScreen(name))

    def _over(self, screen: Screen[None]) -> None:
        """One screen above the overview or an instance; another one of these takes its place."""
        if isinstance(self.screen, type(screen)):
            return
        if isinstance(self.screen, Approvals | DeadLetters | ReportLog | Help):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def action_approvals(self) -> None:
        """What Claude waits for."""
        self._over(Approvals())

    def action_dead(self) -> None:
        """What was given up."""
        self._over(DeadLetters())

    def action_log(self) -> None:
        """What the projects told."""
        self._over(ReportLog())

    def action_help(self) -> None:
        """The keys."""
        self._over(Help())

    def action_attach(self) -> None:
        """This terminal becomes the session, until the person detaches."""
        name = self.chosen
        if not name:
            return
        paths = InstancePaths.of(name)
        environment = {key: value for key, value in os.environ.items() if key not in {"TMUX", "TMUX_PANE"}}
        try:
            argv = [tmux_binary(), "-S", str(paths.tmux_socket), "-N", "attach-session", "-t", f"={paths.session}"]
            with self.suspend():
                ended = subprocess.run(argv, env=environment, check=False, stderr=subprocess.PIPE, text=True)
        except SuspendNotSupported:
            self.tell(f"there is no terminal here: ccmux attach {name}", wrong=True)
        except CcmuxError as error:
            self.tell(str(error), wrong=True)
        else:
            if ended.returncode:
                self.tell(f"{name} has no session\n  to mend it: ccmux start {name}", wrong=True)
