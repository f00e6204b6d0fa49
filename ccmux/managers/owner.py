"""Whose instance, or gateway, it is. Root, who installs services for somebody else, touches nothing in that person's home by
itself: what stands there is that person's, and Claude's, to choose (links, locks with pids in them, sockets, FIFOs).
"""

from __future__ import annotations

import os
import pwd
import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from ccmux.errors import CcmuxError, UsageError

_ANSWERS_WITHIN: Final = 60.0
_MOST: Final = 65536


class Owned(Protocol):
    """Something that has a home."""

    @property
    def name(self) -> str: ...
    @property
    def home(self) -> Path: ...


def own(paths: Owned) -> bool:
    """Whether it is the caller's."""
    return paths.home.stat().st_uid == os.geteuid()


def must_own(paths: Owned) -> None:
    """Raises UsageError when it is somebody else's."""
    if not own(paths):
        person = pwd.getpwuid(paths.home.stat().st_uid).pw_name
        raise UsageError(f"{paths.name} belongs to {person}", fix=f"sudo -u {person} ccmux …, or sudo systemctl …")


def as_owner(paths: Owned, act: Callable[[], str]) -> str:
    """Do it as the one whose it is, in a process of its own if need be; what it returns.

    Raises CcmuxError when it fails, or takes longer than a minute.
    """
    if own(paths):
        return act()
    person = pwd.getpwuid(paths.home.stat().st_uid)
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        _be(person, act, theirs)
    os.close(theirs)
    try:
        heard, _, _ = select.select([ours], [], [], _ANSWERS_WITHIN)
        said = os.read(ours, _MOST).decode("utf-8", "replace") if heard else ""
    finally:
        os.close(ours)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not said.startswith("+"):
        raise CcmuxError(
            f"as {person.pw_name}: {said[1:] or 'no answer'}", fix=f"sudo -u {person.pw_name} ccmux doctor"
        )
    return said[1:]


def _be(person: pwd.struct_passwd, act: Callable[[], str], answer: int) -> None:
    """In the child: never returns, and never becomes root again."""
    said = "-"
    try:
        os.initgroups(person.pw_name, person.pw_gid)
        os.setgid(person.pw_gid)
        os.setuid(person.pw_uid)
        os.environ |= {"HOME": person.pw_dir, "USER": person.pw_name, "LOGNAME": person.pw_name}
        said = f"+{act()}"
    except BaseException as error:  # noqa: BLE001 - whatever it is goes to the one who asked
        said = f"-{error}"
    finally:
        os.write(answer, said.encode("utf-8", "replace")[:_MOST])
        os._exit(0)
