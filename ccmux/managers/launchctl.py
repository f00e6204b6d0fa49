"""`launchctl`, called; its exit codes and words turned into facts, and into errors that say what mends them.

Its output is no interface: only three lines of `print` are read. Not run on macOS by its authors.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError, Missing
from ccmux.managers.waiting import until

GONE_WITHIN: Final = 75.0
"""Seconds in which a job is gone after its bootout: longer than any ExitTimeOut of ours."""
_ANSWERS_WITHIN: Final = 60.0
_RETRY_EVERY: Final = 0.5
_ABSENT: Final = (3, 112, 113)
"""No such process, no such domain, no such service."""
_STILL_GOING: Final = 36
"""bootout: told, and not over yet."""
_NOT_YET: Final = (5, 37)
"""bootstrap: EIO and EALREADY, for some seconds after a bootout; also EIO when the job is there already."""
_NO_DOMAIN: Final = (112, 125)
_LINE: Final = re.compile(r"^\t(state|pid|last exit code) = (.+)$", re.MULTILINE)
"""Of the job itself: what its coalitions and endpoints say stands deeper."""
_STATES: Final = {"running": "running", "spawn scheduled": "starting", "spawning": "starting", "waiting": "starting"}


@dataclass(frozen=True, slots=True)
class Job:
    """A loaded job."""

    state: str
    """as in `ccmux.managers.base.Unit`"""
    pid: int = 0


class Launchctl:
    """Of one domain: `gui/501`, or `system`. `patience`: seconds in which a bootstrap is tried again."""

    def __init__(self, domain: str, patience: float = 30.0) -> None:
        self.domain = domain
        self._patience = patience

    def seen(self, label: str) -> Job | None:
        """The job; None when it is not loaded."""
        run = self._call("print", self._target(label))
        if run.returncode in _ABSENT:
            return None
        if run.returncode:
            raise self._error(run)
        lines: dict[str, str] = {}
        for key, value in _LINE.findall(run.stdout):
            lines.setdefault(key, value.strip())
        state = _STATES.get(lines.get("state", ""), "unknown")
        if lines.get("state") in ("not running", "exited"):
            state = "stopped" if lines.get("last exit code", "0") in ("0", "(never exited)") else "failed"
        pid = lines.get("pid", "")
        return Job(state, int(pid) if pid.isdigit() else 0)

    def enable(self, label: str) -> None:
        """Undo a `launchctl disable` of the person's, which outlives everything else."""
        run = self._call("enable", self._target(label))
        if run.returncode:
            raise self._error(run)

    def bootstrap(self, label: str, plist: Path) -> None:
        """Load the job, and so start it, also one that was disabled. One that is loaded is left alone."""
        self._call("enable", self._target(label))
        give_up = time.monotonic() + self._patience
        while self.seen(label) is None:
            run = self._call("bootstrap", self.domain, str(plist))
            if run.returncode == 0:
                return
            if run.returncode not in _NOT_YET or time.monotonic() > give_up:
                raise self._error(run)
            time.sleep(_RETRY_EVERY)

    def bootout(self, label: str) -> bool:
        """Unload the job, and so end it; returns when it is gone. Whether it was there."""
        run = self._call("bootout", self._target(label))
        if run.returncode in _ABSENT:
            return False
        if run.returncode not in (0, _STILL_GOING):
            raise self._error(run)
        until(lambda: self.seen(label) is None, GONE_WITHIN, f"launchd does not let go of {label}")
        return True

    def kickstart(self, label: str, *, kill: bool = False) -> bool:
        """Start the job now, with `kill` in place of the one that runs; False when it is not loaded."""
        run = self._call("kickstart", *(["-k"] if kill else []), self._target(label))
        if run.returncode in _ABSENT:
            return False
        if run.returncode:
            raise self._error(run)
        return True

    def _target(self, label: str) -> str:
        return f"{self.domain}/{label}"

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = ["launchctl", *words]
        try:
            return subprocess.run(
                argv,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_ANSWERS_WITHIN,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise Missing("launchctl is not there: this machine has no launchd", fix="ccmux up") from None
        except subprocess.TimeoutExpired:
            raise CcmuxError(
                f"{' '.join(argv)} takes longer than {_ANSWERS_WITHIN:.0f} s", fix="ccmux doctor"
            ) from None

    def _error(self, run: subprocess.CompletedProcess[str]) -> CcmuxError:
        words = " ".join(run.args)
        said = (run.stderr.strip() or run.stdout.strip()).partition("\n")[0][:500]
        if run.returncode in _NO_DOMAIN and self.domain != "system":
            fix = "log in at the screen of this Mac, or: sudo ccmux service install --system --user NAME"
        elif "not permitted" in said or "ot privileged" in said:
            fix = f"sudo {words}"
        else:
            fix = "ccmux service status"
        return CcmuxError(f"{words}: {said or 'it said nothing'} (exit code {run.returncode})", fix=fix)
