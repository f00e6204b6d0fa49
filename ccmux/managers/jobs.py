"""The files of launchd's jobs: where they stand, for whom they are, and which of them launchd has read."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from ccmux.errors import CcmuxError, UsageError
from ccmux.managers import plists, remembered
from ccmux.managers.program import Program, program
from ccmux.managers.written import write_if_changed
from ccmux.paths import base


class Jobs:
    """Of one flavour, and of one user. `root`: below which `/Library` stands."""

    def __init__(self, flavour: str, user: str, root: Path) -> None:
        self._system = flavour == "system"
        self.user = user if self._system and user else pwd.getpwuid(os.getuid()).pw_name
        self.person = _home(self.user) if self._system else Path(os.environ.get("HOME") or _home(self.user))
        library = root / "Library" if self._system else self.person / "Library"
        self.directory = library / ("LaunchDaemons" if self._system else "LaunchAgents")
        self._support = library / "Application Support" / "ccmux"

    def installed(self) -> Program | None:
        """How services were installed for the homes in `base()`."""
        return remembered.read(self._support, base())

    def remember(self, wanted: Program) -> tuple[Path, str]:
        """The file that tells so, and its text."""
        return remembered.file(self._support, wanted.home), remembered.text(replace(wanted, user=self.user))

    def of(self, name: str, wanted: Program) -> dict[Path, str]:
        """The files of one instance."""
        texts = plists.rendered(name, replace(wanted, user=self.user), self.person, system=self._system)
        return {self.file(label): text for label, text in texts.items()}

    def of_gateway(self, name: str, wanted: Program) -> dict[Path, str]:
        """The file of one gateway."""
        text = plists.gateway(name, replace(wanted, user=self.user), self.person, system=self._system)
        return {self.file(plists.label(name, plists.GATEWAY)): text}

    def taken(self, name: str, parts: tuple[str, ...] = plists.PARTS) -> str:
        """The other directory of homes whose instance of that name has these jobs; empty when there is none."""
        homes = {plists.home_of(self.file(plists.label(name, part))) for part in parts}
        return next(iter(homes - {"", str(base())}), "")

    def write(self, name: str, wanted: Program | None = None) -> None:
        """Have them there, by default as they were installed: a poorer environment (cron's, say) changes nothing."""
        if other := self.taken(name):
            raise UsageError(f"launchd runs another {name} already, of {other}", fix="give one of the two another name")
        self._write(self.of(name, wanted or self._program()))

    def write_gateway(self, name: str, wanted: Program | None = None) -> None:
        """The same for a gateway."""
        if other := self.taken(name, (plists.GATEWAY,)):
            raise UsageError(f"launchd runs another gateway {name} already, of {other}", fix=f"stop that of {other}")
        self._write(self.of_gateway(name, wanted or self._program()))

    def _program(self) -> Program:
        return self.installed() or program(self.user)

    def _write(self, texts: dict[Path, str]) -> None:
        with self._permitted():
            for path, text in texts.items():
                write_if_changed(path, text)
            self._make_logs()

    def remove(self, label: str) -> None:
        """The file of a job, and what is known of it."""
        with self._permitted():
            self.file(label).unlink(missing_ok=True)
            self._stamp(label).unlink(missing_ok=True)

    def left(self) -> list[str]:
        """Labels of the jobs for `base()` whose files stand there."""
        found = sorted(self.directory.glob("com.ccmux.*.plist"))
        return [path.stem for path in found if plists.home_of(path) == str(base())]

    def file(self, label: str) -> Path:
        """Its file has a job's name."""
        return self.directory / f"{label}.plist"

    def loaded(self, label: str) -> None:
        """Note that launchd has read the file as it is now."""
        with self._permitted():
            write_if_changed(self._stamp(label), self._digest(label))

    def changed(self, label: str) -> bool:
        """Whether the file is another than the one that launchd has read, as far as we know."""
        stamp = self._stamp(label)
        return not stamp.exists() or stamp.read_text(encoding="ascii", errors="replace") != self._digest(label)

    def _stamp(self, label: str) -> Path:
        return self._support / f"{label}.loaded"

    def _digest(self, label: str) -> str:
        return sha256(self.file(label).read_bytes()).hexdigest() + "\n"

    def _make_logs(self) -> None:
        """Nobody else makes that directory. Made as the person: root follows no links in somebody's home."""
        ours, person = (os.geteuid(), os.getegid()), pwd.getpwnam(self.user)
        if ours[0] == 0 and person.pw_uid != 0:
            os.setegid(person.pw_gid)
            os.seteuid(person.pw_uid)
        try:
            plists.logs(self.person).mkdir(mode=0o700, parents=True, exist_ok=True)
        finally:
            os.seteuid(ours[0])
            os.setegid(ours[1])

    @contextlib.contextmanager
    def _permitted(self) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            again = f"sudo ccmux service install --system --user {self.user}"
            fix = again if self._system else f"look at it: ls -ld {error.filename}"
            raise CcmuxError(f"{error.filename} cannot be written: {error.strerror}", fix=fix) from error


def _home(user: str) -> Path:
    try:
        return Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        raise UsageError(f"there is no user {user}", fix="dscl . -list /Users shows them") from None
