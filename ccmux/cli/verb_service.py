"""`ccmux service install|uninstall|render|status`."""

from __future__ import annotations

import os
import pwd
from dataclasses import asdict
from pathlib import Path

import click

from ccmux.cli import render
from ccmux.errors import UsageError
from ccmux.managers import installing
from ccmux.managers.choose import of_this_system
from ccmux.managers.program import program

_SYSTEM = click.option("--system", is_flag=True, help="Services of the system (as root) instead of your own.")
_USER = click.option("--user", default="", metavar="NAME", help="Whose instances they are, with --system.")


@click.group()
def command() -> None:
    """Instances as services of systemd or launchd: they come back by themselves, also after a boot."""


@command.command()
@_SYSTEM
@_USER
@click.option("--no-linger", is_flag=True, help="Start at your login, not at boot (systemd).")
@click.option("--as-before", is_flag=True, help="Keep the PATH and LANG that the services have.")
def install(system: bool, user: str, no_linger: bool, as_before: bool) -> int:
    """Have every instance kept alive and started at boot. Again: brings the services up to date."""
    _for(user, system)
    to = installing.services(system=system, user=user)
    for line in installing.install(to, user=user, linger=not no_linger, as_before=as_before):
        print(line, flush=True)
    return 0


@command.command()
@_USER
def uninstall(user: str) -> int:
    """Remove the services; what ran is started again without them, with its conversation."""
    _for(user, bool(user))
    for line in installing.uninstall():
        print(line, flush=True)
    return 0


@command.command(name="render")
@_SYSTEM
@_USER
@click.option("--to", "directory", default="", metavar="DIR", help="Write them there instead of printing them.")
def show(system: bool, user: str, directory: str) -> int:
    """Show what `install` would write; nothing is installed."""
    _for(user, system)
    found = of_this_system("system" if system else "user", user)
    if found is None:
        raise UsageError("this machine has neither systemd nor launchd")
    for path, text in found.files(program(user or pwd.getpwuid(os.getuid()).pw_name)).items():
        if directory:
            target = Path(directory) / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        else:
            print(f"# {path}\n{text}")
    return 0


@command.command()
@_USER
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def status(user: str, as_json: bool) -> int:
    """What is installed, and how each service is."""
    _for(user, bool(user))
    told = installing.report()
    if as_json:
        print(
            render.as_json(
                {
                    "v": 1,
                    "manager": told.manager,
                    "flavour": told.flavour,
                    "files": [{"path": str(file.path), "state": file.state} for file in told.files],
                    "units": [{"instance": name, **asdict(unit)} for name, unit in told.units],
                    "notes": list(told.notes),
                }
            )
        )
        return 0
    print(f"manager   {told.manager}{f' ({told.flavour})' if told.flavour else ''}")
    for file in told.files:
        print(f"file      {file.path}: {file.state}")
    for name, unit in told.units:
        restarts = f", restarted {unit.restarts} times" if unit.restarts else ""
        print(f"unit      {name}: {unit.name} {unit.state}{f' (pid {unit.pid})' if unit.pid else ''}{restarts}")
    for note in told.notes:
        print(f"note      {note}")
    return 0


def _for(user: str, system: bool) -> None:
    """Root acts for the homes of that user."""
    if not user:
        return
    if not system or os.geteuid() != 0:
        raise UsageError("--user is for root, with services of the system", fix="sudo ccmux service …")
    try:
        os.environ["CCMUX_HOME"] = pwd.getpwnam(user).pw_dir
    except KeyError:
        raise UsageError(f"there is no user {user}", fix="getent passwd shows them") from None
