"""What a manager of services does for an instance, and how its services are installed.

Each act can be repeated; each raises CcmuxError when it fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ccmux.managers.kept import Kept
from ccmux.managers.program import Program
from ccmux.paths import InstancePaths

Ended = Callable[[], str]
"""Tells why the daemon that was launched has ended for good; empty while it lives or will be tried again."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One service as its manager sees it."""

    name: str
    state: str
    """`running`, `starting`, `stopped`, `failed`, `unknown`"""
    pid: int = 0
    restarts: int = 0
    at_boot: bool = False


class Gateways(Protocol):
    """What a manager does for a gateway: one process."""

    def launch(self, of: Kept) -> Ended:
        """Have it run, now and after every boot (where the manager sees to that). One that runs is looked after from now on."""

    def relaunch(self, of: Kept) -> Ended:
        """Start it anew; one that did not run is launched."""

    def end(self, of: Kept) -> bool:
        """End it; whether it ran. At a boot it comes back."""

    def forget(self, of: Kept) -> None:
        """After an `end`: it does not come back at a boot."""

    def unit(self, of: Kept) -> Unit:
        """As the manager sees it."""

    def keep(self, of: Kept, program: Program) -> None:
        """Have it come back at every boot, whether it runs now or not."""


class Manager(Protocol):
    """Two processes an instance: the session (the tmux server and Claude in it) and the daemon; and one a gateway."""

    kind: str
    """`detached`, `systemd` or `launchd`"""

    @property
    def gateways(self) -> Gateways:
        """The same for gateways."""

    def launch(self, paths: InstancePaths) -> Ended:
        """Have the session and the daemon run, now and after every boot (where the manager sees to that).

        Returns at once or when the daemon is ready, as the manager does it.
        """

    def relaunch(self, paths: InstancePaths) -> Ended:
        """Start the daemon anew; the session goes on. One that did not run is launched."""

    def attend(self, paths: InstancePaths) -> None:
        """The daemon runs: see to it that it is started again when it dies."""

    def end(self, paths: InstancePaths) -> bool:
        """End the daemon, then Claude in order, then its tmux server; whether anything ran. At a boot they come back."""

    def forget(self, paths: InstancePaths) -> None:
        """After an `end`: they do not come back at a boot."""

    def units(self, paths: InstancePaths) -> tuple[Unit, ...]:
        """Session and daemon as the manager sees them; empty where it knows nothing of them."""


class Services(Manager, Protocol):
    """A manager whose services are installed as files."""

    flavour: str
    """`user` or `system`"""

    def taken(self) -> str:
        """The other directory of homes whose services stand where ours would; empty when there is none."""

    def told(self) -> Program | None:
        """How they were installed; None when they were not."""

    def files(self, program: Program) -> dict[Path, str]:
        """What `install` writes for all instances: absolute path → text."""

    def keep(self, paths: InstancePaths, program: Program) -> None:
        """Have the instance come back at every boot, whether it runs now or not."""

    def activate(self, *, linger: bool) -> list[str]:
        """Once the files are written: have the manager read them. Sentences for the person."""

    def deactivate(self) -> list[str]:
        """Before the files go: nothing is started any more. Running instances have been ended."""

    def notes(self) -> list[str]:
        """What a person should know: services that start only at a login, say."""
