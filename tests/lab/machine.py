"""A machine to throw away, with the real systemd as PID 1; see machine.sh. It ends with the process that made it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.rig import until

SCRIPT = Path(__file__).with_name("machine.sh")
SYSTEMD = Path("/lib/systemd/systemd")
_PROGRAMS = ("unshare", "nsenter", "setpriv", "findmnt", "useradd", "dbus-daemon", "loginctl", "systemd-analyze")
_FILES = ("/usr/lib/systemd/user/dbus.socket", "/lib/systemd/system/dbus.socket")
_MODULES = "security/pam_systemd.so"
BOOTS_WITHIN = 60.0


def why_not() -> str:
    """Why no such machine can be had here; empty when it can."""
    if os.geteuid() != 0:
        return "only root can make a machine with its own systemd"
    if not sys.platform.startswith("linux"):
        return "systemd is Linux's"
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    missing += [path for path in (str(SYSTEMD), *_FILES) if not Path(path).exists()]
    if not any(Path("/lib").glob(f"*/{_MODULES}")) and not (Path("/lib") / _MODULES).exists():
        missing.append("pam_systemd.so")
    if missing:
        return f"not installed (packages systemd, dbus, dbus-user-session, libpam-systemd): {', '.join(missing)}"
    with tempfile.TemporaryDirectory() as directory:
        argv = ["unshare", "-m", "--propagation", "private", "sh", str(SCRIPT), "try", directory, "/bin/true"]
        run = subprocess.run(argv, capture_output=True, text=True, check=False)
    return f"namespaces, overlay and cgroup2 cannot be used here: {run.stderr.strip()}" if run.returncode else ""


class Machine:
    """`share` is /host in it, `claude` its /usr/local/bin/claude."""

    def __init__(self, claude: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ccmux-lab-", dir="/tmp"))
        self.directory.chmod(0o755)
        self.share = self.directory / "share"
        self.share.mkdir()
        self._claude = claude.resolve()
        self._keeper: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Returns once everything that is to start at a boot has been started."""
        with (self.directory / "log").open("wb") as log:
            self._keeper = subprocess.Popen(
                ["sh", str(SCRIPT), "keep", str(self.directory), str(self._claude)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._booted(0)

    def reboot(self) -> None:
        """In order, as `systemctl reboot` does."""
        before = self._boots()
        self.run("systemctl", "reboot", code=None)
        self._booted(before)

    def lose_power(self) -> None:
        """Everything is dead at once; what was written to the disk is there, and the machine boots."""
        before = self._boots()
        (self.directory / "power-fails").touch()
        os.kill(self._pid(), signal.SIGKILL)
        self._booted(before)

    def down(self) -> None:
        """Nothing is left of it."""
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
            self._keeper.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)

    def popen(
        self, *argv: str, user: str = "root", env: dict[str, str] | None = None, **more: Any
    ) -> subprocess.Popen[str]:
        """A process in the machine, with the environment of a cron job: no login, no session."""
        home = "/root" if user == "root" else f"/home/{user}"
        variables = {
            "HOME": home,
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "PATH": f"{home}/.local/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        } | (env or {})
        who = [] if user == "root" else ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
        enter = ["nsenter", "-t", str(self._pid()), "-a", "--wd=/"]
        words = [f"{key}={value}" for key, value in variables.items()]
        return subprocess.Popen(
            [*enter, *who, "env", "-i", "-C", home, *words, *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def run(self, *argv: str, user: str = "root", code: int | None = 0, within: float = 120.0, **more: Any) -> str:
        """Its output; the exit code must be the expected one (None: whatever)."""
        process = self.popen(*argv, user=user, stdin=subprocess.DEVNULL, **more)
        out, err = process.communicate(timeout=within)
        assert code is None or process.returncode == code, f"{argv}: exit {process.returncode}\n{out}\n{err}"
        return out if code == 0 else out + err

    def wait(self, condition: Callable[[], Any], what: str, within: float = BOOTS_WITHIN) -> Any:
        """Wait until it holds; says what the machine's journal has when it never does."""
        try:
            return until(condition, what, within)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.journal()}") from None

    def journal(self, lines: int = 80) -> str:
        """The end of the machine's journal."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired, AssertionError):
            return self.run("journalctl", "--no-pager", "-n", str(lines), "-o", "short-precise", code=None, within=20)
        return "(no journal)"

    def _boots(self) -> int:
        return int((self.directory / "boots").read_text() or 0)

    def _pid(self) -> int:
        return int((self.directory / "pid").read_text())

    def _booted(self, before: int) -> None:
        def told() -> str:
            return (self.directory / "log").read_text() + _text(self.directory / "console")

        def running() -> bool:
            assert self._keeper is not None
            gone = self._keeper.poll() is not None or (self.directory / "ended").exists()
            assert not gone, f"the machine ended\n{told()}"
            try:
                if self._boots() <= before:
                    return False
                said = self.run("systemctl", "is-system-running", code=None, within=20)
            except (OSError, ValueError, subprocess.TimeoutExpired):
                return False
            return said.strip() in ("running", "degraded")

        try:
            until(running, "the machine has booted", BOOTS_WITHIN)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{told()[-3000:]}") from None


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
