"""`ccmux upgrade`: build, try, keep journals, roll. Each step tells what it did; a failing one leaves all as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ccmux.errors import CcmuxError, UsageError
from ccmux.locks import lock
from ccmux.paths import versions
from ccmux.upgrade import journals, release, trial
from ccmux.upgrade.build import build, wanted
from ccmux.upgrade.roll import roll


def upgrade(to: str, *, probe: bool) -> Iterator[str]:
    """Sentences of what was done. Raises CcmuxError when nothing has changed in the end."""
    requirement = wanted(to)
    versions().mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(versions() / "lock"):
        old = _present()
        release.tidy({old.prefix, *_known()})
        new = build(requirement)
        yield f"installed {new.version} beside {old.version}"
        try:
            trial.examine(old, new, probe=probe)
            yield f"{new.version} can work here{'' if probe else ' (Claude Code was not probed)'}"
            yield from _journals(old, new)
            yield from roll(old, new)
        except BaseException:
            release.tidy({old.prefix, *_known()} - {new.prefix})
            raise
        release.tidy({old.prefix, new.prefix})


def back() -> Iterator[str]:
    """To the release before the present one."""
    versions().mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(versions() / "lock"):
        prefix = release.previous()
        old = _present()
        if prefix is None or prefix == old.prefix.resolve():
            raise UsageError("there is no release before this one", fix="ccmux upgrade --to VERSION")
        new = release.describe(prefix)
        if old.readable_from > new.schema:
            raise CcmuxError(
                f"ccmux {new.version} cannot read the journals that {old.version} has written",
                fix=f"ccmux upgrade to a release after {new.version}",
            )
        yield from roll(old, new)


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


def _known() -> set[Path]:
    links = (versions() / name for name in ("current", "previous"))
    return {link.resolve() for link in links if link.is_symlink()}
