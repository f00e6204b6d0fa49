"""`ccmux new NAME`."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

import click

from ccmux.claude import envfile
from ccmux.claude.login import Kind, decide
from ccmux.cli import render
from ccmux.config.load import load
from ccmux.errors import CcmuxError
from ccmux.fleet.listing import at_rest
from ccmux.fleet.provision import Made, Wanted, new
from ccmux.gateways.home import Home
from ccmux.managers import life


@click.command()
@click.argument("name")
@click.option("--dir", "directory", default="", metavar="PATH", help="Where Claude works. You trust it by naming it.")
@click.option("--git", default="", metavar="URL", help="Clone this into the instance's own work directory.")
@click.option("--role", type=click.Choice(["project", "assistant"]), help="The assistant is called main.")
@click.option("--from", "preset", default="", metavar="PRESET|FILE", help="Start from this configuration.")
@click.option("--model", default="", help="Claude's model.")
@click.option("--resume", default="", metavar="SESSION_ID", help="Take over a conversation of your own Claude Code.")
@click.option("--slack", "room", default="", metavar="'#ROOM'", help="It works in this room of Slack.")
@click.option("--no-start", is_flag=True, help="Make it, do not start it.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(
    name: str,
    directory: str,
    git: str,
    role: str | None,
    preset: str,
    model: str,
    resume: str,
    room: str,
    no_start: bool,
    as_json: bool,
) -> int:
    """Make an instance and start it. Doing it again changes nothing."""
    home = None
    if room:
        from ccmux.cli.binding import check, gateway_of

        home = gateway_of("slack", name)
        check(home, room, name)
    made = new(Wanted(name, directory, git, role or "", preset, model, resume), os.environ)
    if no_start:
        instance = at_rest(made.paths)
    else:
        life.start(made.paths)
        instance = life.wait_ready(made.paths)
    joined = {} if home is None else _joined(home, room, made)
    if as_json:
        frame = {"v": 1, "created": made.created, "taken": list(made.taken), "instance": instance}
        print(render.as_json(frame | ({"room": joined} if joined else {})))
    else:
        _tell(made, instance)
        _tell_room(joined)
    if not no_start and instance.get("state") in ("faulted", "starting"):
        raise CcmuxError(
            f"{name} was made, but Claude is not ready: {render.state_of(instance)}", fix=f"ccmux logs {name}"
        )
    return 0


def _joined(home: Home, room: str, made: Made) -> dict[str, str]:
    """Have it work there; which room it is, and what is left to do for a person. The instance stays without one, too."""
    from ccmux.cli.binding import bind
    from ccmux.managers import gateways

    try:
        one, found = bind(home, room, made.paths.name, make=True)
    except CcmuxError as error:
        so_far = f"{made.paths.name} {'was made' if made.created else 'is there'}, but works in no room yet"
        error.what, error.fix = f"{so_far}: {error.what}", f"{error.fix}; then repeat" if error.fix else "repeat it"
        raise
    gateways.start(home.name)
    return {"gateway": home.name, "id": one.room, "name": one.name, "todo": found.todo}


def _tell_room(joined: dict[str, str]) -> None:
    if not joined:
        return
    print(f"  room       {joined['name'] or joined['id']} of {joined['gateway']}")
    if joined["todo"]:
        print(f"  to do      {joined['todo']}")


def _tell(made: Made, instance: dict[str, Any]) -> None:
    name = made.paths.name
    print(f"{name}: {'made' if made.created else 'already exists; nothing changed'}")
    if made.taken:
        print(f"  taken from the environment into {made.paths.env} (0600): {', '.join(made.taken)}")
    login = decide(envfile.load(made.paths.env), made.paths.claude, load(made.paths.config).claude.login, os.environ)
    print(
        f"  login      {login.kind}: {login.detail}" if login.kind is not Kind.NONE else f"  login      {login.detail}"
    )
    if login.shadowed:
        print(f"  warning    {login.shadowed}", file=sys.stderr)
    print(f"  directory  {instance['cwd']}")
    print(f"  state      {render.state_of(instance)}")
    print(f'  talk       ccmux send {name} "hello" --wait')
    print(f"  attach     ccmux attach {name}   or   {shlex.join(instance['attach'])}")
