"""Gateways as jobs of launchd: one each. Not run on macOS by its authors."""

from __future__ import annotations

from ccmux.errors import CcmuxError
from ccmux.locks import held
from ccmux.managers import keeping, plists
from ccmux.managers.base import Ended, Unit
from ccmux.managers.jobs import Jobs
from ccmux.managers.kept import Kept
from ccmux.managers.launchctl import Launchctl
from ccmux.managers.owner import own
from ccmux.managers.program import Program

_STOPS_WITHIN = 15.0


class LaunchdGateways:
    """Of one flavour, and of one user."""

    def __init__(self, jobs: Jobs, control: Launchctl) -> None:
        self._jobs = jobs
        self._control = control

    def launch(self, of: Kept) -> Ended:
        """Its job loaded, and running. What runs without it ends."""
        label = _label(of)
        self._jobs.write_gateway(of.name)
        if own(of) and self._control.seen(label) is None and (held(of.lock) or held(of.keeper_lock)):
            keeping.end(of, _STOPS_WITHIN)
        self._run(label)
        return lambda: ""

    def relaunch(self, of: Kept) -> Ended:
        """Loaded anew: launchd reads a changed file only then."""
        if self._control.seen(_label(of)) is not None and not self._taken(of):
            self._control.bootout(_label(of))
        return self.launch(of)

    def end(self, of: Kept) -> bool:
        """Its job; then what was started without it."""
        ran = False if self._taken(of) else self._control.bootout(_label(of))
        return (own(of) and keeping.end(of, _STOPS_WITHIN)) or ran

    def forget(self, of: Kept) -> None:
        """Without its file it is not loaded again."""
        if not self._taken(of):
            self._jobs.remove(_label(of))

    def unit(self, of: Kept) -> Unit:
        """As `launchctl print` tells it."""
        label = _label(of)
        at_boot = self._jobs.file(label).exists() and not self._taken(of)
        try:
            job = self._control.seen(label)
        except CcmuxError:
            return Unit(label, "unknown", at_boot=at_boot)
        return Unit(label, job.state, job.pid, at_boot=at_boot) if job else Unit(label, "stopped", at_boot=at_boot)

    def keep(self, of: Kept, program: Program) -> None:
        """Its file is there: launchd loads it at every boot (a person's: at every login)."""
        self._jobs.write_gateway(of.name, program)
        self._control.enable(_label(of))

    def _taken(self, of: Kept) -> bool:
        return bool(self._jobs.taken(of.name, (plists.GATEWAY,)))

    def _run(self, label: str) -> None:
        job = self._control.seen(label)
        if job is not None and self._jobs.changed(label):
            self._control.bootout(label)
            job = None
        if job is None or (job.state != "running" and not self._control.kickstart(label)):
            self._control.bootstrap(label, self._jobs.file(label))
            self._jobs.loaded(label)


def _label(of: Kept) -> str:
    return plists.label(of.name, plists.GATEWAY)
