"""Instances as services of systemd: two units each, so that a daemon's restart never touches Claude."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final, Self

from ccmux.errors import CcmuxError
from ccmux.locks import held
from ccmux.managers import detached, systemctl, units
from ccmux.managers.base import Ended, Gateways, Unit
from ccmux.managers.owner import as_owner, own
from ccmux.managers.program import Program
from ccmux.managers.systemctl import Systemctl, me
from ccmux.managers.systemd_gateways import SystemdGateways
from ccmux.managers.written import write_if_changed
from ccmux.paths import InstancePaths, base

SYSTEM_UNITS: Final = Path("/etc/systemd/system")
_TOLD: Final = {
    "program": r"^ExecStart=(\S+) run ",
    "path": r"^Environment=PATH=(.*)$",
    "lang": r"^Environment=LANG=(.*)$",
    "home": r"^# home: (.+)$",
}
"""Of a daemon's unit."""
_HOME: Final = re.compile(r"^# home: (.+)$", re.MULTILINE)


def user_units() -> Path:
    """Where a person's units stand. (XDG_CONFIG_HOME of a shell says nothing about that of the person's manager.)"""
    home = Path(os.environ.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111
    return home / ".config" / "systemd" / "user"


def directory(flavour: str) -> Path:
    return user_units() if flavour == "user" else SYSTEM_UNITS


class Systemd:
    """The units of one flavour."""

    kind = "systemd"

    def __init__(self, flavour: str) -> None:
        self.flavour = flavour
        self.directory = directory(flavour)
        self.control = Systemctl(flavour)
        self.gateways: Gateways = SystemdGateways(self.control, flavour, self.directory)

    @classmethod
    def installed(cls) -> Self | None:
        """The flavour whose units are installed for the homes in `base()`."""
        for flavour in units.FLAVOURS:
            found = _HOME.search(_text(directory(flavour) / "ccmux@.service"))
            if found is not None and found[1] == str(base()):
                return cls(flavour)
        return None

    def launch(self, paths: InstancePaths) -> Ended:
        """Enabled and started; returns when the daemon is ready."""
        self._prepare(paths)
        if own(paths) and held(paths.lock) and not self._active(paths):
            detached.end_daemon(paths)
        self._enable(paths)
        return self._start("start", paths)

    def relaunch(self, paths: InstancePaths) -> Ended:
        """Restarted in one job: what was written into its FIFOs meanwhile is kept."""
        if not self._active(paths):
            return self.launch(paths)
        if self.flavour == "system" and os.geteuid() != 0:  # it may not be told to; it starts again by itself
            detached.end_daemon(paths)
            return lambda: ""
        self._prepare(paths)
        return self._start("restart", paths)

    def attend(self, paths: InstancePaths) -> None:
        """The manager does."""

    def end(self, paths: InstancePaths) -> bool:
        """Both units, the daemon first; then what was started without them."""
        ran = self._active(paths)
        if any(unit.state not in ("stopped", "failed") for unit in self.units(paths)):
            self.control.run("stop", units.daemon(paths.name), units.session(paths.name))
        return (own(paths) and detached.Detached().end(paths)) or ran

    def forget(self, paths: InstancePaths) -> None:
        """Not at the next boot."""
        if self._enabled(paths):
            self.control.run("disable", "--quiet", units.daemon(paths.name))
        for unit in (units.daemon(paths.name), units.session(paths.name)):
            ours = self.directory / f"{unit}.d"
            (ours / "paths.conf").unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty: a person's own are in it
                ours.rmdir()

    def units(self, paths: InstancePaths) -> tuple[Unit, ...]:
        """As `systemctl show` tells them."""
        return tuple(self.control.unit(name) for name in (units.session(paths.name), units.daemon(paths.name)))

    # as services

    def taken(self) -> str:
        """The other directory of homes whose services stand where ours would; empty when there is none."""
        found = _HOME.search(_text(self.directory / "ccmux@.service"))
        return found[1] if found is not None and found[1] != str(base()) else ""

    def told(self) -> Program | None:
        """How they were installed; None when they were not."""
        text = _text(self.directory / "ccmux@.service")
        found = {name: match[1] for name, pattern in _TOLD.items() if (match := re.search(pattern, text, re.MULTILINE))}
        if len(found) < len(_TOLD):
            return None
        user = re.search(r"^User=(.+)$", text, re.MULTILINE)
        return Program(found["program"], found["path"], found["lang"], Path(found["home"]), user[1] if user else "")

    def files(self, program: Program) -> dict[Path, str]:
        """Units and target; the drop-ins of the instances are written at their start."""
        return {self.directory / name: text for name, text in units.rendered(self.flavour, program).items()}

    def keep(self, paths: InstancePaths, program: Program) -> None:
        """Enabled, and what the system's units may write to is written down."""
        del program
        self._let_write(paths)
        self._enable(paths)

    def activate(self, *, linger: bool) -> list[str]:
        """Read, and the target enabled; the person's services start at boot where `linger` is wanted and may be had."""
        told = []
        if self.flavour == "user":
            told = self._linger() if linger and not systemctl.lingers(me()) else []
            if systemctl.lingers(me()):
                self.control.await_bus()
        self.control.run("daemon-reload")
        if (self.directory / units.TARGET).exists():
            self.control.run("enable", "--quiet", units.TARGET)
            # The target alone: what a person has stopped stays stopped.
            self.control.run("start", "--job-mode=ignore-dependencies", units.TARGET)
        return told

    def _linger(self) -> list[str]:
        """First of all: somebody who is not logged in gets a manager by it."""
        try:
            systemctl.have_linger(me())
        except CcmuxError as error:
            return [f"not yet at boot, only at your login: {error}"]
        return [f"the services of {me()} start at boot (loginctl enable-linger)"]

    def deactivate(self) -> list[str]:
        """The target goes, too."""
        self.control.run("disable", "--quiet", "--now", units.TARGET)
        return []

    def notes(self) -> list[str]:
        """A person without linger has services only while logged in."""
        if self.flavour == "user" and not systemctl.lingers(me()):
            return [f"the services start at your login and end with it; at boot: loginctl enable-linger {me()}"]
        return []

    def _active(self, paths: InstancePaths) -> bool:
        state = self.control.show(units.daemon(paths.name), "ActiveState").get("ActiveState")
        return state in ("active", "activating", "reloading", "deactivating")

    def _enabled(self, paths: InstancePaths) -> bool:
        return self.control.show(units.daemon(paths.name), "UnitFileState").get("UnitFileState") == "enabled"

    def _enable(self, paths: InstancePaths) -> None:
        if not self._enabled(paths):
            self.control.run("enable", "--quiet", units.daemon(paths.name))

    def _prepare(self, paths: InstancePaths) -> None:
        """A person's start is no crash: earlier ones count no more."""
        if self.flavour == "system" and os.geteuid() != 0 and not self._enabled(paths):
            raise CcmuxError(
                f"{paths.name} is not yet among the services of the system",
                fix=f"sudo ccmux service install --system --user {me()}, then: sudo systemctl start {units.daemon(paths.name)}",
            )
        self.control.tell("reset-failed", units.daemon(paths.name), units.session(paths.name))

    def _let_write(self, paths: InstancePaths) -> None:
        """The system's units may write to nothing but what stands in their drop-ins. Only where root installs: a Claude that
        changed its own configuration does not widen its sandbox.
        """
        if self.flavour != "system":
            return
        work = as_owner(paths, lambda: units.work_of(paths))
        changed = [
            name
            for name, text in units.drop_ins(paths, base(), work).items()
            if write_if_changed(self.directory / name, text)
        ]
        if changed:
            self.control.run("daemon-reload")

    def _start(self, verb: str, paths: InstancePaths) -> Ended:
        try:
            self.control.run(verb, units.daemon(paths.name))
        except CcmuxError as error:
            word = _text(paths.last_word).strip() if own(paths) else ""
            who = "--user " if self.flavour == "user" else ""
            raise CcmuxError(
                f"the daemon of {paths.name} did not become ready: {word or error.what}",
                fix=error.fix if "sudo" in error.fix else f"journalctl {who}-u {units.daemon(paths.name)} -e",
            ) from error
        return lambda: ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
