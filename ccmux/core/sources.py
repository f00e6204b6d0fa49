"""Everything that tells what an instance is doing, as it was seen at one moment. `ccmux.core.reading` decides from it."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.core.lifecycle import Life
from ccmux.core.screen import Box
from ccmux.model.ids import Generation


@dataclass(frozen=True, slots=True)
class Pane:
    """The pane of the session as tmux tells it."""

    id: str
    pid: int
    generation: Generation
    dead: bool
    in_mode: bool
    exit_status: str = ""
    mode: str = ""
    """copy-mode, tree-mode …; empty when the pane is in none"""
    activity: int = 0
    """wall clock (whole seconds) of the latest key of any client in the session; a guard, see `ccmux.tmux.pane`"""
    last_key: float | None = None
    """wall clock (whole seconds) of the latest key of an attached person; None when nobody is attached"""
    people: int = 0
    """terminals that are attached, our own control connection not counted"""
    height: int = 0
    """rows"""
    tmux: str = ""
    """version of the server"""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """Claude's own session registry (`sessions/<pid>.json`): idle, busy, waiting, shell, and what it waits for."""

    session_id: str
    status: str
    waiting_for: str = ""
    version: str = ""
    changed_at: float = 0.0
    """wall clock, seconds"""


@dataclass(frozen=True, slots=True)
class Heard:
    """The latest event of a kind that Claude told of its turns: the name of a hook, or of a row of the transcript."""

    event: str
    at: float
    """wall clock, seconds"""


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that was looked at, at one moment. None: it could not be seen, or was not looked at."""

    life: Life
    pane: Pane | None = None
    registered: Registered | None = None
    without_registry: bool = False
    """there has been none for so long that this Claude certainly keeps none: the fall-backs count"""
    hook: Heard | None = None
    row: Heard | None = None
    box: Box | None = None
    """read only where it matters: a message waits, a person is attached, or there is no registry"""
    trouble: str = ""
    """Claude's word for why the API refused its latest turn"""
    asks: bool = False
    """one of Claude's hooks waits for a person's answer"""
