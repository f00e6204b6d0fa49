"""The wires between the projects and the assistant: which there are, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.config.load import load
from ccmux.errors import CcmuxError
from ccmux.fifo import pipe
from ccmux.fleet import registry
from ccmux.journal.history import unsent
from ccmux.locks import held
from ccmux.model.ids import PROJECT_REPORT, REPORT, project_channel, project_of
from ccmux.paths import MAIN, InstancePaths


@dataclass(frozen=True, slots=True)
class Wire:
    """Of one project."""

    project: str
    up: str
    """the FIFO of the assistant that it writes to"""
    down: str
    """the FIFO of the assistant that it reads"""
    wired: bool
    """wanted: the project does not opt out, and there is an assistant"""
    reports: int
    """that wait to be taken by the assistant"""
    directives: int
    """that wait to be taken by the project"""
    problems: tuple[str, ...] = ()


def wires() -> list[Wire]:
    """One for every project."""
    return [_wire(InstancePaths.of(name)) for name in registry.names() if name != MAIN]


def repair() -> list[str]:
    """Make the FIFOs that are missing; which ones. A daemon that runs does so by itself."""
    made = []
    for wire in wires():
        main, own = InstancePaths.of(MAIN), InstancePaths.of(wire.project)
        wanted = [own.run / "in.boss", own.run / f"out.{REPORT}"]
        wanted += (
            [main.run / f"in.{PROJECT_REPORT}", main.run / f"out.{project_channel(wire.project)}"] if wire.wired else []
        )
        for path in wanted:
            if path.parent.is_dir() and not pipe.is_fifo(path):
                pipe.make(path)
                made.append(str(path))
    return made


def _wire(paths: InstancePaths) -> Wire:
    main, channel = InstancePaths.of(MAIN), project_channel(paths.name)
    problems: list[str] = []
    try:
        opted_out = not load(paths.config).report.wire
    except CcmuxError as error:
        opted_out = False
        problems.append(error.what)
    names = registry.names()
    fits = channel is not None and project_of(channel, names.__contains__) == paths.name
    if not fits:
        problems.append("the assistant has no channel for that name: it is too long, or another project's")
    wired = fits and not opted_out and main.config.exists()
    up, down = main.run / f"in.{PROJECT_REPORT}", main.run / f"out.{channel or ''}"
    if wired:
        problems += [
            f"{one.name} is not running: ccmux start {one.name}" for one in (main, paths) if not held(one.lock)
        ]
        problems += [f"{path} is no FIFO: ccmux wire repair" for path in (up, down) if not pipe.is_fifo(path)]
    return Wire(
        paths.name,
        str(up) if wired else "",
        str(down) if wired else "",
        wired,
        unsent(paths.journal, REPORT),
        unsent(main.journal, channel) if channel is not None else 0,
        tuple(problems),
    )
