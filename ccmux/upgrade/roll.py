"""Daemon after daemon to another release, each at a calm moment; back to the former one when one does not become ready."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ccmux.errors import CcmuxError
from ccmux.fleet import registry
from ccmux.fleet.client import Client
from ccmux.locks import held
from ccmux.managers import kept
from ccmux.managers.choose import installed
from ccmux.managers.detached import end_daemon
from ccmux.paths import InstancePaths, versions
from ccmux.upgrade import journals
from ccmux.upgrade.links import Links, point
from ccmux.upgrade.release import Release

CALM_WITHIN: Final = 60.0
"""Seconds that a busy instance is waited for. A daemon may be restarted at any moment; a calm one is just nicer."""
_RESTARTS_WITHIN: Final = 120.0
_BUSY: Final = ("busy", "typing", "starting")
_BROKEN: Final = ("faulted", "starting", "stopped")


def roll(old: Release, new: Release) -> Iterator[str]:
    """Swap, then restart what runs; sentences of what was done. Raises CcmuxError when it had to go back."""
    entry = _entry()
    links = Links([versions() / "current", versions() / "previous", *([entry] if entry else [])])
    done: list[InstancePaths] = []
    try:
        point(versions() / "previous", old.prefix)
        point(versions() / "current", new.prefix)
        if entry is not None:
            point(entry, versions() / "current" / "bin" / "ccmux")
        _services(new)
        yield f"ccmux is {new.version} now ({versions() / 'current'})"
        yield from _advise(entry)
        for paths in map(InstancePaths.of, registry.names()):
            calm = _calm(paths)
            if not _runs(paths):
                continue
            done.append(paths)
            _take_up(paths, new)
            yield f"{paths.name}: its daemon is {new.version}{'' if calm else ' (it was busy, and goes on)'}"
        yield from _gateways(new)
    except BaseException as error:  # also Ctrl+C, or nobody reads any more: half an upgrade stays nowhere
        links.restore()
        failed = list(_back(old, done))
        told = f"; {'; '.join(failed)}" if failed else ""
        if not isinstance(error, (CcmuxError, OSError)):
            raise
        what, fix = (error.what, error.fix) if isinstance(error, CcmuxError) else (str(error), "")
        raise CcmuxError(f"{what}; all daemons are {old.version} again{told}", fix=fix or "ccmux logs NAME") from error


def _gateways(release: Release) -> Iterator[str]:
    """Restart those that run. One that fails is told, and goes on being tried: no message is lost by that."""
    for one in map(kept.gateway, kept.gateways()):
        if held(one.lock) or held(one.keeper_lock):
            said = _call(release, "gateway", "restart", one.name)
            yield f"{one.called}: {said.removeprefix('ccmux: ') if said else f'it is {release.version}'}"


def _runs(paths: InstancePaths) -> bool:
    """Whether it has a daemon, or a keeper that will start one; it may have been stopped or removed meanwhile."""
    return held(paths.lock) or held(paths.keeper_lock)


def _take_up(paths: InstancePaths, release: Release) -> None:
    """Have that release's daemon; raises CcmuxError unless it is ready, and Claude as well as before."""
    before = _status(paths)
    said = _call(release, "restart", paths.name)
    after = _status(paths)
    if after is None or after["daemon"].get("version") != release.version:
        raise CcmuxError(
            f"the daemon of {paths.name} does not become ready as {release.version}: {said}",
            fix=f"ccmux logs {paths.name}",
        )
    if before is None:
        return
    if after["state"] in _BROKEN and before["state"] not in _BROKEN:
        raise CcmuxError(f"{paths.name} was {before['state']} and is {after['state']} as {release.version}")
    if before["claude"]["pid"] and after["claude"]["pid"] != before["claude"]["pid"]:
        raise CcmuxError(f"{paths.name} lost its Claude as {release.version}")


def _back(old: Release, done: list[InstancePaths]) -> Iterator[str]:
    """The former release everywhere; sentences of what could not be done."""
    try:
        _services(old)
    except CcmuxError as error:
        yield error.what
    for paths in done:
        try:
            if journals.unreadable(paths, old):
                end_daemon(paths)
                journals.restore(paths, old)
            _take_up(paths, old)
        except CcmuxError as error:
            yield f"{paths.name} needs you: {error.what}"
    yield from (line for line in _gateways(old) if not line.endswith(old.version))


def _entry() -> Path | None:
    """The link on PATH by which this installation is called; None when that is no link, or another's."""
    found = shutil.which("ccmux")
    if found is None or not Path(found).is_symlink():
        return None
    here = Path(found).resolve().parent.parent
    return Path(found) if here in (Path(sys.prefix).resolve(), (versions() / "current").resolve()) else None


def _advise(entry: Path | None) -> Iterator[str]:
    wanted = versions() / "current" / "bin"
    if entry is None and wanted not in (Path(word) for word in os.environ.get("PATH", "").split(":")):
        yield f"the command itself: put {wanted} first in PATH, or link {wanted / 'ccmux'} into a directory that is there"


def _services(release: Release) -> None:
    """Units name the program: have them name this one."""
    found = installed()
    if found is None:
        return
    if found.flavour == "system":
        told, current = found.told(), versions() / "current" / "bin" / "ccmux"
        if told is None or Path(told.path) != current:
            raise CcmuxError(
                "the services of the system run another ccmux, which only root can change",
                fix=f"ln -sfn {release.prefix} {current.parent.parent}; sudo {current} service install --system --user NAME",
            )
        return
    said = _call(release, "service", "install", "--no-linger", "--as-before")
    if said:
        raise CcmuxError(f"the services cannot be brought to {release.version}: {said}")


def _calm(paths: InstancePaths) -> bool:
    give_up = time.monotonic() + CALM_WITHIN
    while (status := _status(paths)) is not None and status["state"] in _BUSY:
        if time.monotonic() > give_up:
            return False
        time.sleep(0.2)
    return True


def _status(paths: InstancePaths) -> dict[str, Any] | None:
    with contextlib.suppress(CcmuxError, OSError), Client(paths) as client:
        instance: dict[str, Any] = client.ask(op="status")["instance"]
        return instance
    return None


def _call(release: Release, *words: str) -> str:
    """Run a verb of that release; what it complained of, empty when it did not."""
    try:
        run = subprocess.run(
            [release.program, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=_RESTARTS_WITHIN,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return run.stderr.strip()[-1500:] or f"exit code {run.returncode}" if run.returncode else ""
