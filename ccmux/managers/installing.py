"""`ccmux service install|uninstall|status`, the same for every manager that keeps services as files."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ccmux.errors import CcmuxError, Missing, UsageError
from ccmux.fleet import registry
from ccmux.locks import held
from ccmux.managers import gateways, keeping, kept, life
from ccmux.managers.base import Services, Unit
from ccmux.managers.choose import installed, of_this_system
from ccmux.managers.detached import STOPS_WITHIN, end_daemon
from ccmux.managers.kept import Kept
from ccmux.managers.owner import as_owner, own
from ccmux.managers.program import command, program
from ccmux.managers.written import write_if_changed
from ccmux.paths import InstancePaths, base

_OF_THE_CALLER: Final = re.compile(r"((?:PATH|LANG)(?:=|</key>\s*<string>))[^<\n]*")


@dataclass(frozen=True, slots=True)
class File:
    """One file of the services. `state`: `current`, `differs` (of another release, or edited) or `missing`."""

    path: Path
    state: str


@dataclass(frozen=True, slots=True)
class Report:
    """How the services are. `manager` is `detached` where none are installed."""

    manager: str
    flavour: str
    files: tuple[File, ...]
    units: tuple[tuple[str, Unit], ...]
    """instance, or gateway → unit"""
    notes: tuple[str, ...]


def services(*, system: bool, user: str = "") -> Services:
    """The manager of this machine, of the wanted flavour. The system's is root's business."""
    if system and os.geteuid() != 0:
        raise UsageError(
            "services of the system are installed by root", fix="sudo ccmux service install --system --user NAME"
        )
    if system and not user:
        raise UsageError("say whose instances they are", fix="ccmux service install --system --user NAME")
    found = of_this_system("system" if system else "user", user)
    if found is None:
        raise Missing(f"{sys.platform} has no manager of services that ccmux knows", fix="ccmux up, after every boot")
    return found


def install(to: Services, *, user: str = "", linger: bool = True, as_before: bool = False) -> Iterator[str]:
    """Write what differs, have it read, take over what runs without touching Claude; sentences of what was done.

    `as_before`: with the PATH and LANG of the installation before, not those of the caller.
    """
    if other := to.taken():
        raise UsageError(f"services of {other} stand there", fix=f"CCMUX_HOME={other} ccmux service uninstall")
    now, before = program(user), to.told()
    now = replace(before, path=now.path) if as_before and before is not None else now
    wanted = to.files(now)
    fresh = [path for path in wanted if not path.exists()]
    changed = [path for path, text in wanted.items() if write_if_changed(path, text)]
    try:
        told = to.activate(linger=linger)
    except CcmuxError:
        for path in fresh:  # nobody has read them: they are no services
            path.unlink(missing_ok=True)
        raise
    yield from (f"wrote {path}" for path in changed)
    yield from told
    for name in registry.names():
        paths = InstancePaths.of(name)
        try:
            to.keep(paths, now)
            yield f"{name}: {_taken_over(to, paths)}"
        except CcmuxError as error:
            yield f"{name}: {error}"
    for name in kept.gateways():
        one = kept.gateway(name)
        try:
            to.gateways.keep(one, now)
            yield f"{one.called}: {_gateway_taken_over(to, one)}"
        except CcmuxError as error:
            yield f"{one.called}: {error}"
    yield from to.notes()


def _taken_over(to: Services, paths: InstancePaths) -> str:
    """Have its services run where it runs; what was done."""
    if any(unit.state == "running" for unit in to.units(paths)):
        return "runs as a service already"
    if not as_owner(paths, lambda: "yes" if held(paths.lock) or held(paths.keeper_lock) else ""):
        return f"starts at the next boot; now: ccmux start {paths.name}"
    if own(paths):
        life.restart(paths)
    else:
        as_owner(paths, lambda: str(end_daemon(paths)))
        to.launch(paths)
    return "its daemon runs as a service now, its Claude goes on"


def _gateway_taken_over(to: Services, one: Kept) -> str:
    if to.gateways.unit(one).state == "running":
        return "runs as a service already"
    if not as_owner(one, lambda: "yes" if held(one.lock) or held(one.keeper_lock) else ""):
        return f"starts at the next boot; now: ccmux gateway start {one.name}"
    as_owner(one, lambda: str(keeping.end(one, STOPS_WITHIN)))
    to.gateways.launch(one)
    return "runs as a service now"


def uninstall() -> Iterator[str]:
    """End the services in order and remove their files; what ran is started again without a manager.

    Repeated, it does nothing more. One that cannot be ended is told, and the others go on.
    """
    found = installed()
    if found is None:
        yield "no services are installed"
        return
    if found.flavour == "system" and os.geteuid() != 0:
        raise UsageError("services of the system are removed by root", fix="sudo ccmux service uninstall --user NAME")
    files = [path for path in found.files(found.told() or program()) if path.exists()]
    ran = []
    for paths in map(InstancePaths.of, registry.names()):
        try:
            if found.end(paths):
                ran.append(paths)
            found.forget(paths)
        except CcmuxError as error:
            yield f"{paths.name}: {error}"
    joined = yield from _gateways_ended(found)
    yield from found.deactivate()
    for path in files:
        path.unlink(missing_ok=True)
        yield f"removed {path}"
    yield from found.activate(linger=False)
    yield from _started_again([*ran, *joined])


def _gateways_ended(found: Services) -> Generator[str, None, list[Kept]]:
    """Sentences of what failed; returns those that ran."""
    ran = []
    for one in map(kept.gateway, kept.gateways()):
        try:
            if found.gateways.end(one):
                ran.append(one)
            found.gateways.forget(one)
        except CcmuxError as error:
            yield f"{one.called}: {error}"
    return ran


def _started_again(ran: list[InstancePaths | Kept]) -> Iterator[str]:
    for one in ran:
        name = one.called if isinstance(one, Kept) else one.name
        words = ["gateway", "start"] if isinstance(one, Kept) else ["start"]
        try:
            _start(one, *words)
            kept_on = "" if isinstance(one, Kept) else ", with its conversation"
            yield f"{name}: started again without a service{kept_on}; after a boot: ccmux up"
        except CcmuxError as error:
            yield f"{name}: has ended: {error}"


def _start(one: InstancePaths | Kept, *words: str) -> None:
    """As the one whose home it is: root runs nothing of a person's in its own name."""
    owner = pwd.getpwuid(one.home.stat().st_uid)
    if owner.pw_uid == os.geteuid():
        life.start(one) if isinstance(one, InstancePaths) else gateways.start(one.name)
        return
    known = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TERM") if key in os.environ}
    run = subprocess.run(
        [str(command()), *words, one.name],
        env=known | {"HOME": owner.pw_dir, "USER": owner.pw_name, "LOGNAME": owner.pw_name, "CCMUX_HOME": str(base())},
        user=owner.pw_uid,
        group=owner.pw_gid,
        extra_groups=os.getgrouplist(owner.pw_name, owner.pw_gid),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise CcmuxError(run.stderr.strip().removeprefix("ccmux: "), fix=f"ccmux {' '.join(words)} {one.name}")


def report() -> Report:
    """How things are; changes nothing."""
    found = installed()
    if found is None:
        return Report("detached", "", (), (), ("no services are installed: ccmux service install",))
    files = tuple(File(path, _state(path, text)) for path, text in found.files(program(_owner())).items())
    seen = tuple((name, unit) for name in registry.names() for unit in found.units(InstancePaths.of(name)))
    seen += tuple((name, found.gateways.unit(kept.gateway(name))) for name in kept.gateways())
    return Report(found.kind, found.flavour, files, seen, tuple(found.notes()))


def _state(path: Path, text: str) -> str:
    """Of a file that would get this text now. PATH and LANG in it are those of whoever installed: they may differ."""
    if not path.exists():
        return "missing"
    there = path.read_text(encoding="utf-8")
    alike = _OF_THE_CALLER.sub(r"\1", there) == _OF_THE_CALLER.sub(r"\1", text)
    return "current" if alike else "differs"


def _owner() -> str:
    """Whose homes these are."""
    return base().owner()
