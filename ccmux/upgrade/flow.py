"""`ccmux upgrade`: build, try, keep journals, roll. Each step tells what it did; a failing one leaves all as it was."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ccmux.errors import CcmuxError, Locked, UsageError
from ccmux.locks import lock
from ccmux.paths import versions
from ccmux.upgrade import journals, release, trial
from ccmux.upgrade.build import build, wanted
from ccmux.upgrade.roll import roll


def upgrade(to: str, *, probe: bool) -> Iterator[str]:
    """Sentences of what was done. Raises CcmuxError when nothing has changed in the end."""
    requirement = wanted(to)
    with alone():
        old = _present()
        release.tidy(old.prefix)
        new = build(requirement)
        try:
            if new.version == old.version and not requirement.endswith(".whl"):
                yield f"{old.version} is the newest already" if not to else f"{old.version} is what runs"
                return
            yield f"installed {new.version} beside {old.version}"
            trial.examine(old, new, probe=probe)
            yield f"{new.version} can work here{'' if probe else ' (Claude Code was not probed)'}"
            _readable(old, new)
            yield from _journals(old, new)
            yield from roll(old, new)
        finally:  # what nothing leads to goes, the new one, too, when it was not taken up
            release.tidy(old.prefix)


def back() -> Iterator[str]:
    """To the release before the present one."""
    with alone():
        prefix = release.previous()
        old = _present()
        if prefix is None or prefix == old.prefix.resolve():
            raise UsageError("there is no release before this one", fix="ccmux upgrade --to VERSION")
        new = release.describe(prefix)
        _readable(old, new)
        yield from roll(old, new)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One upgrade or removal at a time. What it writes is for this user only."""
    versions().mkdir(mode=0o700, parents=True, exist_ok=True)
    umask = os.umask(0o077)
    try:
        with lock(versions() / "lock"):
            yield
    except Locked as error:
        raise Locked("another upgrade is under way", fix=f"wait for it ({error.what})") from None
    finally:
        os.umask(umask)


def _readable(old: release.Release, new: release.Release) -> None:
    """A release that goes back must read what the present one has written."""
    if old.readable_from > new.schema:
        raise CcmuxError(
            f"ccmux {new.version} cannot read the journals that {old.version} has written",
            fix=f"ccmux upgrade to a release after {new.version}",
        )


def _journals(old: release.Release, new: release.Release) -> Iterator[str]:
    copies = journals.keep(old, new)
    journals.try_out(copies, new)
    for copy in copies:
        yield f"kept {copy}"
    if new.readable_from > old.schema:
        yield f"{new.version} changes journals so that {old.version} cannot read them: there is no way back but the copies"


def _present() -> release.Release:
    if not (Path(sys.prefix) / "bin" / "ccmux").exists():
        raise UsageError("this ccmux is not installed, it runs from a checkout", fix="uv tool install . (README)")
    return release.present()
