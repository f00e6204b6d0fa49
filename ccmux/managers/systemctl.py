"""`systemctl` and `loginctl`, called; their words turned into errors that say what mends them."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError, Missing, WaitTimedOut
from ccmux.managers.base import Unit
from ccmux.managers.waiting import until

_ANSWERS_WITHIN: Final = 150.0
"""Seconds: longer than a unit may take to start and to stop."""
_BEGINS_WITHIN: Final = 10.0
"""Seconds until the manager of somebody who has just been given one listens; 0.6 s, measured."""
_NO_BUS: Final = ("Failed to connect to bus", "Failed to connect to user scope bus")
_NO_RIGHT: Final = ("Interactive authentication required", "Access denied", "authentication required")


_STATES: Final = {
    "active": "running",
    "activating": "starting",
    "reloading": "running",
    "deactivating": "running",
    "inactive": "stopped",
    "failed": "failed",
}


class Systemctl:
    """Of the user's manager, or of the system's."""

    def __init__(self, flavour: str) -> None:
        self._flavour = flavour
        self._argv = ["systemctl", "--no-ask-password", *(["--user"] if flavour == "user" else [])]

    def run(self, *words: str) -> str:
        """Its output; returns when the job is done. Raises CcmuxError with what it said."""
        return _call([*self._argv, *words], self._flavour)

    def tell(self, *words: str) -> str:
        """Its output whatever its exit code; empty when it cannot be had."""
        try:
            run = subprocess.run(
                [*self._argv, *words],
                capture_output=True,
                text=True,
                check=False,
                timeout=_ANSWERS_WITHIN,
                env=_environment(),
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return run.stdout

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        said = self.tell("show", unit, *(f"-p{name}" for name in properties))
        return dict(line.partition("=")[::2] for line in said.splitlines() if "=" in line)

    def unit(self, name: str) -> Unit:
        """How a service is."""
        told = self.show(name, "ActiveState", "MainPID", "NRestarts", "UnitFileState")
        return Unit(
            name,
            _STATES.get(told.get("ActiveState", ""), "unknown"),
            int(told.get("MainPID") or 0),
            int(told.get("NRestarts") or 0),
            told.get("UnitFileState") == "enabled",
        )

    def await_bus(self) -> None:
        """Wait until the manager listens; whoever speaks to it next is told if it does not."""
        with contextlib.suppress(WaitTimedOut):
            until(lambda: bool(self.tell("show", "-pVersion")), _BEGINS_WITHIN, "the user's manager does not listen")


def me() -> str:
    """Who calls."""
    return pwd.getpwuid(os.getuid()).pw_name


def lingers(user: str) -> bool:
    """Whether the user's services start at boot, without a login."""
    return Path("/var/lib/systemd/linger", user).exists()


def have_linger(user: str) -> None:
    """Have them do so."""
    _call(["loginctl", "--no-ask-password", "enable-linger", user], "user")


def _call(argv: list[str], flavour: str) -> str:
    try:
        run = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            check=False,
            timeout=_ANSWERS_WITHIN,
            env=_environment(),
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise Missing(f"{argv[0]} is not there: this machine has no systemd", fix="ccmux up") from None
    except subprocess.TimeoutExpired:
        raise CcmuxError(f"{' '.join(argv)} takes longer than {_ANSWERS_WITHIN:.0f} s", fix="ccmux doctor") from None
    if run.returncode:
        said = (run.stderr.strip() or run.stdout.strip() or f"exit code {run.returncode}")[-1000:]
        words = [word for word in argv if not word.startswith("--no-ask")]
        raise CcmuxError(f"{' '.join(words)}: {said}", fix=_fix(said, words, flavour))
    return run.stdout


def _fix(said: str, words: list[str], flavour: str) -> str:
    if any(word in said for word in _NO_BUS):
        return f"log in, or have your services run without it: sudo loginctl enable-linger {me()}"
    if any(word in said for word in _NO_RIGHT):
        return f"sudo {' '.join(words)}"
    return "ccmux service status" if flavour == "user" else "sudo ccmux service status"


def _environment() -> dict[str, str]:
    """With the runtime directory that cron, su and ssh commands lack, by which the user's manager is found."""
    runtime = f"/run/user/{os.getuid()}"
    found = dict(os.environ)
    if "XDG_RUNTIME_DIR" not in found and Path(runtime).is_dir():
        found["XDG_RUNTIME_DIR"] = runtime
    return found
