"""Gateways as services of systemd: one unit each."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ccmux.errors import CcmuxError
from ccmux.fleet import registry
from ccmux.locks import held
from ccmux.managers import keeping, units
from ccmux.managers.base import Ended, Unit
from ccmux.managers.kept import Kept
from ccmux.managers.owner import own
from ccmux.managers.program import Program
from ccmux.managers.systemctl import Systemctl, me
from ccmux.managers.written import write_if_changed
from ccmux.paths import InstancePaths

_STOPS_WITHIN = 15.0


class SystemdGateways:
    """Of one flavour, whose units stand in `directory`."""

    def __init__(self, control: Systemctl, flavour: str, directory: Path) -> None:
        self._control = control
        self._system = flavour == "system"
        self._directory = directory

    def launch(self, of: Kept) -> Ended:
        """Enabled and started; returns when it is ready."""
        unit = self._prepare(of)
        if own(of) and (held(of.lock) or held(of.keeper_lock)) and unit.state not in ("running", "starting"):
            keeping.end(of, _STOPS_WITHIN)
        if not unit.at_boot:
            self._control.run("enable", "--quiet", unit.name)
        return self._start("start", of)

    def relaunch(self, of: Kept) -> Ended:
        """Restarted in one job."""
        unit = self.unit(of)
        if unit.state not in ("running", "starting"):
            return self.launch(of)
        if self._system and os.geteuid() != 0:  # it may not be told to; it starts again by itself
            keeping.end(of, _STOPS_WITHIN)
            return lambda: ""
        self._prepare(of)
        return self._start("restart", of)

    def end(self, of: Kept) -> bool:
        """Its unit; then what was started without it."""
        ran = self.unit(of).state in ("running", "starting")
        if ran:
            self._control.run("stop", units.gateway(of.name))
        return (own(of) and keeping.end(of, _STOPS_WITHIN)) or ran

    def forget(self, of: Kept) -> None:
        """Not at the next boot."""
        unit = self.unit(of)
        if unit.at_boot:
            self._control.run("disable", "--quiet", unit.name)
        ours = self._directory / f"{unit.name}.d"
        (ours / "paths.conf").unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: a person's own are in it
            ours.rmdir()

    def unit(self, of: Kept) -> Unit:
        """As `systemctl show` tells it."""
        return self._control.unit(units.gateway(of.name))

    def keep(self, of: Kept, program: Program) -> None:
        """Enabled, and what the system's unit may write to is written down."""
        del program
        name = units.gateway(of.name)
        if self._system:
            text = units.gateway_drop_in(of.home, [InstancePaths.of(one) for one in registry.names()])
            if write_if_changed(self._directory / f"{name}.d" / "paths.conf", text):
                self._control.run("daemon-reload")
        if not self.unit(of).at_boot:
            self._control.run("enable", "--quiet", name)

    def _prepare(self, of: Kept) -> Unit:
        """A person's start is no crash: earlier ones count no more."""
        unit = self.unit(of)
        if self._system and os.geteuid() != 0 and not unit.at_boot:
            raise CcmuxError(
                f"{of.called} is not yet among the services of the system",
                fix=f"sudo ccmux service install --system --user {me()}, then: sudo systemctl start {unit.name}",
            )
        self._control.tell("reset-failed", unit.name)
        return unit

    def _start(self, verb: str, of: Kept) -> Ended:
        name = units.gateway(of.name)
        try:
            self._control.run(verb, name)
        except CcmuxError as error:
            who = "" if self._system else "--user "
            raise CcmuxError(
                f"{of.called} did not become ready: {error.what}",
                fix=error.fix if "sudo" in error.fix else f"journalctl {who}-u {name} -e",
            ) from error
        return lambda: ""
