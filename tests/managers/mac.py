"""A person on a Mac, as far as that can be had here: `launchctl` and launchd are doubles, all else is real."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccmux.standin import StandIn
from tests.rig import Rig, alive, kill, until

_SCRIPT = '#!/bin/sh\nexec {python} -S {double} "$@"\n'
_DOUBLE = Path(__file__).parent / "double" / "launchctl.py"


def install(binary: Path) -> None:
    """The double of `launchctl`."""
    binary.write_text(_SCRIPT.format(python=sys.executable, double=_DOUBLE))
    binary.chmod(0o755)


def have(state: Path, **quirks: Any) -> None:
    """How the double shall behave."""
    state.mkdir(exist_ok=True)
    (state / "quirks.json").write_text(json.dumps(quirks))


def calls(state: Path) -> list[list[str]]:
    """What it was asked, in order."""
    return (
        [json.loads(line) for line in (state / "calls").read_text().splitlines()] if (state / "calls").exists() else []
    )


class Mac(Rig):
    def __init__(self, home: Path, standin: StandIn, claude: Path) -> None:
        super().__init__(home, standin, claude)
        self.state = home / "launchd"
        install(home / "bin" / "launchctl")
        have(self.state, run=True, throttle=0.05)
        self.env |= {"CCMUX_MANAGER": "launchd", "CCMUX_DOUBLE_LAUNCHD": str(self.state)}
        self.agents = home / "Library" / "LaunchAgents"

    def job(self, name: str, part: str) -> dict[str, Any]:
        """What the double's launchd says of a job; empty when it is not loaded."""
        try:
            return dict(json.loads((self.state / "jobs" / f"com.ccmux.{name}.{part}" / "status.json").read_text()))
        except FileNotFoundError:
            return {}

    def loaded(self) -> list[str]:
        jobs = self.state / "jobs"
        return sorted(path.name for path in jobs.iterdir()) if jobs.exists() else []

    def left(self) -> list[str]:
        """Command lines of all that runs for this home."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.fsencode(self.home) in (process / "environ").read_bytes() and alive(int(process.name)):
                    found.append((process / "cmdline").read_text(errors="replace").replace("\0", " "))
            except OSError:
                continue
        return found

    def launchctl(self, *words: str) -> None:
        """As a login would, say."""
        subprocess.run(["launchctl", *words], env=self.env, check=True, capture_output=True)

    def log_out(self) -> None:
        """End every job, as at the end of a session: launchd first, then what it ran."""
        for pids in list(self._pids()):
            for pid in pids:
                kill(pid, signal.SIGKILL)
            until(lambda pids=pids: not any(map(alive, pids)), "the jobs have ended")  # type: ignore[misc]
        shutil.rmtree(self.state / "jobs", ignore_errors=True)

    def log_in(self) -> None:
        """Load what stands there, in no order of ours."""
        for plist in sorted(self.agents.glob("*.plist")):
            self.launchctl("bootstrap", f"gui/{os.getuid()}", str(plist))

    def _pids(self) -> Iterator[list[int]]:
        for status in (self.state / "jobs").glob("*/status.json"):
            yield [json.loads(status.read_text())["launchd"]]
            yield [pid for pid in (json.loads(status.read_text())["pid"],) if pid]

    def close(self) -> None:
        self.log_out()
        super().close()
