"""What launchd does for one job, on Linux: its environment is the plist's alone, its process group its own, which gets a
SIGTERM at its death; it is started again (`KeepAlive`), not too soon (`ThrottleInterval`, times a factor); a bootout is a
SIGTERM, and after `ExitTimeOut` (times another) a SIGKILL for the process alone.

    launchd.py DIRECTORY FACTOR FACTOR

In the directory stands the job's `plist`. SIGTERM boots out, SIGUSR1 is `kickstart -k`, SIGUSR2 `kickstart`.
"""

from __future__ import annotations

import contextlib
import json
import os
import plistlib
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

_KNOWN = {
    "Label",
    "UserName",
    "ProgramArguments",
    "EnvironmentVariables",
    "RunAtLoad",
    "KeepAlive",
    "ThrottleInterval",
    "ExitTimeOut",
    "ProcessType",
    "Umask",
    "SoftResourceLimits",
    "StandardOutPath",
    "StandardErrorPath",
}


class Job:
    def __init__(self, directory: Path, throttle: float, patience: float) -> None:
        self.directory = directory
        self.plist: dict[str, Any] = plistlib.loads((directory / "plist").read_bytes())
        assert set(self.plist) <= _KNOWN, "this double does not know all of it"
        self.throttle = self.plist.get("ThrottleInterval", 10) * throttle
        self.patience = self.plist.get("ExitTimeOut", 20) * patience
        self.pid = self.runs = 0
        self.last = "(never exited)"
        self.ending = self.awake = False
        self.killed_at = 0.0

    def tell(self, state: str) -> None:
        told = {"launchd": os.getpid(), "state": state, "pid": self.pid, "runs": self.runs, "last": self.last}
        new = self.directory / "status.new"
        new.write_text(json.dumps(told))
        new.rename(self.directory / "status.json")

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._bootout)
        signal.signal(signal.SIGUSR1, self._anew)
        signal.signal(signal.SIGUSR2, self._wake)
        began = 0.0
        while not self.ending:
            rest = began + self.throttle - time.monotonic() if began else 0.0
            while rest > 0 and not self.awake and not self.ending:
                self.tell("spawn scheduled")
                time.sleep(min(rest, 0.05))
                rest = began + self.throttle - time.monotonic()
            if self.ending:
                break
            began = time.monotonic()
            self._live()
        (self.directory / "plist").unlink()
        (self.directory / "status.json").unlink(missing_ok=True)
        self.directory.rmdir()

    def _live(self) -> None:
        self.runs += 1
        self.awake = False
        self.pid = os.fork()
        if not self.pid:
            self._become()
        self.tell("running")
        if self.ending:
            self._term()
        while True:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                break
            if self.killed_at and time.monotonic() > self.killed_at + self.patience:
                os.kill(self.pid, signal.SIGKILL)
                self.killed_at = 0.0
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        self.pid, self.killed_at = 0, 0.0
        self.last = str(os.waitstatus_to_exitcode(status))

    def _become(self) -> None:
        try:
            for one in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
                signal.signal(one, signal.SIG_DFL)
            os.setsid()
            os.umask(self.plist.get("Umask", 0o22))
            files = self.plist.get("SoftResourceLimits", {}).get("NumberOfFiles", 256)
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, hard), hard))
            for number, key in ((1, "StandardOutPath"), (2, "StandardErrorPath")):
                fd = os.open(self.plist.get(key, "/dev/null"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
                os.dup2(fd, number)
                os.close(fd)
            os.chdir("/")
            argv = self.plist["ProgramArguments"]
            os.execve(argv[0], argv, self.plist.get("EnvironmentVariables", {}))  # noqa: S606 - as launchd does
        finally:
            os._exit(78)

    def _term(self) -> None:
        if self.pid:
            self.killed_at = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def _bootout(self, *_: object) -> None:
        self.ending = True
        self._term()

    def _anew(self, *_: object) -> None:
        self.awake = True
        self._term()

    def _wake(self, *_: object) -> None:
        self.awake = not self.pid


if __name__ == "__main__":
    Job(Path(sys.argv[1]), *map(float, sys.argv[2:])).run()
