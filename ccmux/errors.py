"""The one error tree of ccmux. Each error says what failed, where, and the command or edit that mends it.

CcmuxError               1    anything that failed
├── UsageError           2    the person's words: a verb, an option, a name
│   └── ConfigError      2    the person's file: file, line, key
├── NoSuchInstance       3
├── Refused              4    the queue is full, the instance is stopped
├── NotAnswered          5    a message ended rejected or dead
├── Locked              75    another process owns it
├── WaitTimedOut       124    `--wait` gave up; the message is kept
├── Missing              1    a program that ccmux needs is not there
├── TmuxError            1    tmux refused, or did not answer in time ("unknown" is not "gone")
│   └── TmuxGone         1    there is no such server or session
├── ProtocolError        1    a peer on a socket or FIFO spoke what we do not
├── GatewayError         1    an outside service did not do what it was asked
│   ├── Undeliverable    1    it will never take this
│   ├── NotNow           1    it certainly did not do it, and may later
│   ├── Unsure           1    nobody knows whether it did it
│   └── Rejected         1    it does not take our credentials
│       └── MissingScope 1    they lack a right that the call needs
└── JournalError         1    the journal cannot be opened, read or written
    └── DiskTrouble      1    the disk is full, read-only or failing; it may pass

The number is the exit code. It is printed in one place: `ccmux.cli.main`.
"""

from __future__ import annotations


class CcmuxError(Exception):
    """Something failed. `what` is one sentence; `fix` is a command or an edit, empty when there is none."""

    exit_code = 1

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what}\n  to mend it: {self.fix}" if self.fix else self.what


class UsageError(CcmuxError):
    """The command line asked for something that cannot be."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file is wrong. Running instances keep the configuration they started with."""

    def __init__(self, what: str, *, file: str, line: int = 0, key: str = "", fix: str = "") -> None:
        where = f"{file}:{line}" if line else file
        super().__init__(f"{where}: {key + ': ' if key else ''}{what}", fix=fix)
        self.file, self.line, self.key = file, line, key


class NoSuchInstance(CcmuxError):
    """No instance of that name has a home."""

    exit_code = 3

    def __init__(self, name: str, *, near: str = "") -> None:
        fix = f"`ccmux ls` shows the names; did you mean {near}?" if near else f"ccmux new {name}"
        super().__init__(f"there is no instance named {name}", fix=fix)


class Refused(CcmuxError):
    """Not now: nothing was accepted, nothing was kept."""

    exit_code = 4


class NotAnswered(CcmuxError):
    """The message was accepted and ended rejected or dead; the reason is in the sentence."""

    exit_code = 5


class Locked(CcmuxError):
    """Another process owns the instance."""

    exit_code = 75


class WaitTimedOut(CcmuxError):
    """Nothing came in time. The message stays with the instance and will be answered."""

    exit_code = 124


class Missing(CcmuxError):
    """A program or file that ccmux needs is not there."""


class TmuxError(CcmuxError):
    """A tmux command failed or did not answer in time."""


class TmuxGone(TmuxError):
    """The tmux server or session is certainly not there."""


class ProtocolError(CcmuxError):
    """The other end of a socket spoke something else."""


class GatewayError(CcmuxError):
    """An outside service did not do what it was asked."""


class Undeliverable(GatewayError):
    """It will never take this. `plain`: it may take the plain body."""

    def __init__(self, what: str, *, fix: str = "", plain: bool = False) -> None:
        super().__init__(what, fix=fix)
        self.plain = plain


class NotNow(GatewayError):
    """It certainly did not do it, and may later. `after`: seconds to wait; 0: as we think fit."""

    def __init__(self, what: str, *, after: float = 0.0, everywhere: bool = False) -> None:
        super().__init__(what)
        self.after = after
        self.everywhere = everywhere


class Unsure(GatewayError):
    """Nobody knows whether it did it: it must be looked for before it is tried again."""


class Rejected(GatewayError):
    """It does not take our credentials. Nothing is tried until they change."""


class JournalError(CcmuxError):
    """The journal of an instance cannot be used. Nothing was acknowledged that is not in it."""


class DiskTrouble(JournalError):
    """The disk did not take it, and may take it later. Nothing of it happened."""
