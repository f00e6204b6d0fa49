"""`ccmux gateway KIND [INSTANCE]`, `gateway ls|start|stop|restart|dead|retry|drop`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import click

from ccmux.cli import render
from ccmux.cli.gateways import GATEWAY, existing
from ccmux.cli.several import each_called
from ccmux.errors import CcmuxError, Locked, UsageError, WaitTimedOut
from ccmux.locks import held
from ccmux.managers import gateways as life
from ccmux.managers.waiting import until

_NAMES = click.argument("names", nargs=-1, required=True, type=GATEWAY, metavar="NAME...")
_CONNECTS_WITHIN = 10.0


class Kinds(click.Group):
    """A word that is none of its verbs is a kind."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """`gateway slack` is `gateway run slack`."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["run", *args])


@click.group(cls=Kinds)
def command() -> None:
    """Join outside services to instances: `gateway KIND [INSTANCE]` runs one in the foreground."""


@command.command(hidden=True)
@click.argument("kind")
@click.argument("instance", required=False, default="")
def run(kind: str, instance: str) -> int:
    """Run one in the foreground, until Ctrl+C."""
    from ccmux.gateways.run import run as live

    home = existing(f"{kind}-{instance}" if instance else kind)
    if held(home.lock):
        raise Locked(f"the gateway {home.name} runs already", fix=f"ccmux gateway stop {home.name}")
    live(home.name)
    return 0


@command.command()
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def ls(as_json: bool) -> int:
    """Show every gateway: whether it is connected, what waits, what is wrong."""
    from ccmux.gateways import report

    found = report.all_of_them()
    if as_json:
        print(render.as_json({"v": 1, "gateways": found}))
    elif not found:
        print("no gateways yet: ccmux slack setup makes one")
    for one in [] if as_json else found:
        print(_full(one))
    return 0


@command.command()
@_NAMES
def start(names: tuple[str, ...]) -> int:
    """Have it run, also after a crash (and after a boot, where services are installed)."""
    return _each(names, started)


@command.command()
@_NAMES
def stop(names: tuple[str, ...]) -> int:
    """End it. What it has not handed on or posted is kept; what is said meanwhile is read back at its next start."""
    return _each(names, stopped)


@command.command()
@_NAMES
def restart(names: tuple[str, ...]) -> int:
    """Start it anew."""

    def act(name: str) -> str:
        life.restart(name)
        return f"restarted, {_connected(name)}"

    return _each(names, act)


@command.command()
@click.argument("name", type=GATEWAY)
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def dead(name: str, as_json: bool) -> int:
    """Show the posts that were given up, and why."""
    from ccmux.gateways import report

    found = report.dead(existing(name))
    if as_json:
        rows = [
            {"id": row.act.id, "instance": row.instance, "room": row.act.place.room, "created": row.created}
            | {"attempts": row.act.attempt, "reason": row.reason}
            for row in found
        ]
        print(render.as_json({"v": 1, "gateway": name, "dead": rows}))
        return 0
    if not found:
        print("nothing was given up")
    for row in found:
        where = f"{row.act.draft.verb} of {row.instance or 'nobody'} in {row.act.place.room}"
        print(f"{row.act.id}  {where}, {render.age(row.created)} ago, {row.act.attempt} attempts")
        print(f"  {render.plain(row.reason)}")
    return 0


@command.command()
@click.argument("name", type=GATEWAY)
@click.argument("post", metavar="ID")
def retry(name: str, post: str) -> int:
    """Try a post again that was given up."""
    from ccmux.gateways.spool import acts

    _posts(name, post, lambda db, now: acts.retry(db, post, now))
    print(f"{post}: is tried again{'' if _runs(name) else f' when the gateway runs: ccmux gateway start {name}'}")
    return 0


@command.command()
@click.argument("name", type=GATEWAY)
@click.argument("post", metavar="ID")
def drop(name: str, post: str) -> int:
    """Put a post away that was given up."""
    from ccmux.gateways.spool import acts

    def end(db: sqlite3.Connection, now: float) -> bool:
        row = acts.get(db, post)
        if row is None or row.state != "dead":
            return False
        acts.end(db, post, "dropped", row.reason, now)
        return True

    _posts(name, post, end)
    print(f"{post}: put away")
    return 0


def started(name: str) -> str:
    """Start one; what was done."""
    begun = life.start(name)
    return f"{'started' if begun else 'runs already'}, {_connected(name)}"


def stopped(name: str) -> str:
    """Stop one; what was done."""
    return "stopped" if life.stop(name) else "was not running"


def _connected(name: str) -> str:
    """How it stands with the service once that is known, or after a while."""
    from ccmux.gateways import report

    home = existing(name)

    def known() -> bool:
        return bool(report.of(home)["state"] != "connecting")

    try:
        until(known, _CONNECTS_WITHIN, "")
    except WaitTimedOut:
        return "connecting"
    now = report.of(home)
    if now["state"] == "credentials":
        raise CcmuxError(f"{name}: {now['reason']}", fix=now["fix"])
    account = render.plain(now["account"])
    return f"{_state(now)} as {account}" if account else _state(now)


def _each(names: tuple[str, ...], act: Callable[[str], str]) -> int:
    for name in names:
        existing(name)
    return each_called([(f"gateway {name}", name) for name in names], act)


def _posts(name: str, post: str, work: Callable[[sqlite3.Connection, float], bool]) -> None:
    """Change a dead post in the spool; the gateway, if it runs, looks again by itself."""
    from ccmux.gateways.spooled import change

    if not change(existing(name), lambda db: work(db, time.time())):
        raise UsageError(f"no post {post!a} was given up", fix=f"ccmux gateway dead {name}")


def _runs(name: str) -> bool:
    return held(existing(name).lock)


def _state(one: dict[str, Any]) -> str:
    return f"{one['state']} ({render.plain(one['reason'])})" if one["reason"] else str(one["state"])


def _full(one: dict[str, Any]) -> str:
    since = f", for {render.age(one['since'])}" if one["since"] else ""
    lines = [f"{one['name']}  {_state(one)}{since}"]
    if one["account"]:
        lines.append(f"  account  {render.plain(one['account'])}")
    lines.append(f"  rooms    {one['rooms']}")
    lines.append(f"  waiting  {one['waiting_in']} in, {one['waiting_out']} out, {one['dead']} given up")
    if one["rivals"]:
        lines.append(f"  rivals   {one['rivals']} other connections take events away: is it set up on another machine?")
    if one["fix"]:
        lines.append(f"  mend     {render.plain(one['fix'])}")
    if one["dead"]:
        lines.append(f"  given up ccmux gateway dead {one['name']}")
    return "\n".join(lines)
