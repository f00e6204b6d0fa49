"""Instances as jobs of launchd: two each, so that a daemon's restart never touches Claude.

launchd knows no order of jobs and no readiness: the daemon waits for the session, and whoever starts it asks it.
Not run on macOS by its authors.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Self

from ccmux.errors import CcmuxError, TmuxError
from ccmux.fleet import registry
from ccmux.locks import held
from ccmux.managers import detached, kept, plists
from ccmux.managers.base import Ended, Gateways, Unit
from ccmux.managers.jobs import Jobs
from ccmux.managers.launchctl import GONE_WITHIN, Launchctl
from ccmux.managers.launchd_gateways import LaunchdGateways
from ccmux.managers.owner import own
from ccmux.managers.program import Program
from ccmux.managers.waiting import until
from ccmux.paths import InstancePaths


class Launchd:
    """The jobs of one flavour. `root`: below which `/Library` stands."""

    kind = "launchd"

    def __init__(self, flavour: str, user: str = "", *, root: Path = Path("/")) -> None:
        self.flavour = flavour
        self.jobs = Jobs(flavour, user, root)
        self.control = Launchctl("system" if flavour == "system" else f"gui/{os.getuid()}")
        self.gateways: Gateways = LaunchdGateways(self.jobs, self.control)

    @classmethod
    def installed(cls) -> Self | None:
        """The flavour whose services are installed for the homes in `base()`."""
        for flavour in ("user", "system"):
            found = cls(flavour).jobs.installed()
            if found is not None:
                return cls(flavour, found.user)
        return None

    def launch(self, paths: InstancePaths) -> Ended:
        """Both jobs loaded, and running. What runs without them ends, but for the tmux server: that goes on."""
        session, daemon = _labels(paths)
        ended = _ended(paths)
        self.jobs.write(paths.name)
        if own(paths) and self.control.seen(daemon) is None and (held(paths.lock) or held(paths.keeper_lock)):
            detached.end_daemon(paths)
        self._run(session)
        self._run(daemon)
        return ended

    def relaunch(self, paths: InstancePaths) -> Ended:
        """`kickstart -k`; loaded anew when its file has changed, for launchd reads that only then."""
        session, daemon = _labels(paths)
        if self.jobs.taken(paths.name) or self.control.seen(daemon) is None:
            return self.launch(paths)
        ended, before = _ended(paths), _holder(paths)
        self.jobs.write(paths.name)
        self._run(session)
        if self.jobs.changed(daemon):
            self.control.bootout(daemon)
            self._load(daemon)
        elif not self.control.kickstart(daemon, kill=True):
            self._load(daemon)
        until(
            lambda: not held(paths.lock) or _holder(paths) != before,
            GONE_WITHIN,
            f"the daemon of {paths.name} does not end",
        )
        return ended

    def attend(self, paths: InstancePaths) -> None:
        """The manager does."""

    def end(self, paths: InstancePaths) -> bool:
        """The daemon's job, then Claude in order, then the session's job; then what was started without them."""
        if self.jobs.taken(paths.name):
            return detached.Detached().end(paths)
        session, daemon = _labels(paths)
        ran = self.control.bootout(daemon)
        if own(paths):
            with contextlib.suppress(TmuxError):  # a hung one is killed with its job
                ran |= detached.end_session(paths)
        ran |= self.control.bootout(session)
        return (own(paths) and detached.Detached().end(paths)) or ran

    def forget(self, paths: InstancePaths) -> None:
        """Without their files they are not loaded again."""
        for label in () if self.jobs.taken(paths.name) else _labels(paths):
            self.jobs.remove(label)

    def units(self, paths: InstancePaths) -> tuple[Unit, ...]:
        """As `launchctl print` tells them."""
        return () if self.jobs.taken(paths.name) else tuple(self._unit(label) for label in _labels(paths))

    # as services

    def taken(self) -> str:
        """Nobody: files are per instance, and one that another home has is refused by itself."""
        return ""

    def told(self) -> Program | None:
        """How they were installed; None when they were not."""
        return self.jobs.installed()

    def files(self, program: Program) -> dict[Path, str]:
        """What was told, and the jobs of every instance and gateway."""
        found = dict([self.jobs.remember(program)])
        for name in registry.names():
            found |= {} if self.jobs.taken(name) else self.jobs.of(name, program)
        for name in kept.gateways():
            found |= {} if self.jobs.taken(name, (plists.GATEWAY,)) else self.jobs.of_gateway(name, program)
        return found

    def keep(self, paths: InstancePaths, program: Program) -> None:
        """Its files are there: launchd loads them at every boot (a person's: at every login)."""
        self.jobs.write(paths.name, program)
        for label in _labels(paths):
            self.control.enable(label)

    def activate(self, *, linger: bool) -> list[str]:
        """Nothing: a job is loaded when its instance is started, and by launchd itself at the next boot."""
        del linger
        return []

    def deactivate(self) -> list[str]:
        """The jobs of instances that somebody has deleted without `ccmux rm` go, too."""
        said = []
        for label in self.jobs.left():
            self.control.bootout(label)
            self.jobs.remove(label)
            said.append(f"removed {self.jobs.file(label)}")
        return said

    def notes(self) -> list[str]:
        """A person's jobs live in the session at the screen."""
        if self.flavour == "system":
            return []
        system = f"sudo ccmux service install --system --user {self.jobs.user}"
        return [f"the services start at your login and end with it; at boot: {system}"]

    # inside

    def _unit(self, label: str) -> Unit:
        at_boot = self.jobs.file(label).exists()
        try:
            job = self.control.seen(label)
        except CcmuxError:
            return Unit(label, "unknown", at_boot=at_boot)
        return Unit(label, job.state, job.pid, at_boot=at_boot) if job else Unit(label, "stopped", at_boot=at_boot)

    def _run(self, label: str) -> None:
        """Have the job run. A session's that is loaded is not loaded anew: that would end Claude."""
        job = self.control.seen(label)
        if job is not None and label.endswith(".daemon") and self.jobs.changed(label):
            self.control.bootout(label)
            job = None
        if job is None or (job.state != "running" and not self.control.kickstart(label)):
            self._load(label)

    def _load(self, label: str) -> None:
        self.control.bootstrap(label, self.jobs.file(label))
        self.jobs.loaded(label)


def _labels(paths: InstancePaths) -> tuple[str, str]:
    session, daemon = (plists.label(paths.name, part) for part in plists.PARTS)
    return session, daemon


def _ended(paths: InstancePaths) -> Ended:
    """Whether a later daemon has left word why it could not go on; launchd, or a changed file, has it try again."""

    def word() -> tuple[int, str]:
        try:
            text = paths.last_word.read_text(encoding="utf-8", errors="replace")
            return paths.last_word.stat().st_mtime_ns, text
        except FileNotFoundError:
            return 0, ""

    before = word()
    return lambda: now[1] if (now := word()) != before else ""


def _holder(paths: InstancePaths) -> str:
    return paths.lock.read_text(encoding="ascii", errors="replace") if paths.lock.exists() else ""
