"""`ccmux channel bind|unbind|ls|test|allow|deny|pair|drops`: which room is whose, and who is heard there."""

from __future__ import annotations

import time
from typing import Any

import click

from ccmux.cli import render
from ccmux.cli.gateways import WHICH, bound, change, existing, for_instance, ids_of, the_one, users
from ccmux.cli.instances import INSTANCE
from ccmux.errors import CcmuxError, UsageError
from ccmux.fleet import registry
from ccmux.gateways import binding, config
from ccmux.gateways.home import Home, homes
from ccmux.locks import held

_JSON = click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
_IDS = click.argument("ids", nargs=-1, required=True, metavar="ID...")


@click.group()
def command() -> None:
    """Say which room of a service is whose, and who is heard there."""


@command.command("bind")
@click.argument("name", type=INSTANCE)
@click.argument("room")
@click.option("--mention/--all", default=None, help="Only what addresses the app by name is heard; or everything.")
@WHICH
def bind_(name: str, room: str, mention: bool | None, which: str) -> int:
    """Have an instance work in a room: '#name', its id, or `direct` (every conversation with one person alone)."""
    from ccmux.cli.binding import bind

    registry.existing(name)
    home = for_instance(which, name)
    one, found = bind(home, room, name, mention=mention)
    print(f"{name}: works in {binding.called(one)} of {home.name}{', when it is addressed' if one.mention else ''}")
    if found.todo:
        print(f"  {found.todo}")
    access = config.read(home.config).access
    if not binding.heard(access):
        print("  nobody is heard yet: ccmux channel allow ID --operator")
    if not held(home.lock):
        print(f"  it does not run: ccmux gateway start {home.name}")
    return 0


@command.command()
@click.argument("name", type=INSTANCE)
@WHICH
def unbind(name: str, which: str) -> int:
    """Have an instance work in no room any more."""
    for home, _ in bound(which, name):
        gone: list[config.Binding] = []

        def without(spec: config.GatewaySpec, gone: list[config.Binding] = gone) -> config.GatewaySpec:
            left, those = binding.unbind(spec, name)
            gone.extend(those)
            return left

        change(home, without)
        print(f"{name}: left {', '.join(map(binding.called, gone))} of {home.name}")
    return 0


@command.command()
@_JSON
def ls(as_json: bool) -> int:
    """Show which room is whose, who is heard, and how fresh that is."""
    from ccmux.gateways import report

    rooms = [room for home in homes() for room in report.rooms(home)]
    access = {home.name: config.read(home.config).access for home in homes()}
    if as_json:
        import msgspec

        print(render.as_json({"v": 1, "rooms": rooms, "access": msgspec.to_builtins(access)}))
        return 0
    if not access:
        print("no gateways yet: ccmux slack setup makes one")
    for name, one in access.items():
        print(f"{name}")
        for room in rooms:
            if room["gateway"] == name:
                print(f"  {_room(room)}")
        for what in ("teams", "users", "operators", "bots"):
            ids = ", ".join(getattr(one, what))
            print(
                f"  {what.ljust(10)}{ids or 'none'}{f', up to {one.hops} one after the other' if ids and what == 'bots' else ''}"
            )
    return 0


@command.command()
@click.argument("name", type=INSTANCE)
@WHICH
def test(name: str, which: str) -> int:
    """Post a line in the rooms of an instance, and say whether it is seen there."""
    from ccmux.gateways.trial import Seen, trial

    code = 0
    for home, spec in bound(which, name):
        one = spec.of_instance(name)
        if one is None or one.room == config.DIRECT:
            print(f"{home.name}: {name} has direct conversations alone: nothing is posted to anybody unasked")
            continue
        seen = trial(home, one)
        code = code or int(seen is Seen.NO)
        print(f"{binding.called(one)} of {home.name}: {seen}")
    return code


@command.command()
@_IDS
@click.option("--operator", is_flag=True, help="They may also decide approvals and give orders.")
@click.option("--bot", is_flag=True, help="They are programs.")
@click.option("--team", is_flag=True, help="They are workspaces.")
@WHICH
def allow(ids: tuple[str, ...], operator: bool, bot: bool, team: bool, which: str) -> int:
    """Have people (or programs, or workspaces) heard: ids, or @name."""
    if operator + bot + team > 1:
        raise UsageError("only one of --operator, --bot and --team", fix="ccmux channel allow --help")
    home = the_one(which)
    to = "operators" if operator else "bots" if bot else "teams" if team else "users"
    found = ids_of(home, ids)
    change(home, lambda spec: binding.allow(spec, found, to=to))
    print(f"{home.name}: {', '.join(found)} {'is' if len(found) == 1 else 'are'} among its {to}")
    return 0


@command.command()
@_IDS
@WHICH
def deny(ids: tuple[str, ...], which: str) -> int:
    """Have them heard no more."""
    home = the_one(which)
    found = users(home, ids)
    stood: list[str] = []

    def without(spec: config.GatewaySpec) -> config.GatewaySpec:
        left, those = binding.deny(spec, found)
        stood[:] = those
        return left

    change(home, without)
    unknown = [one for one in found if one not in stood]
    if stood:
        print(f"{home.name}: {', '.join(stood)} {'is' if len(stood) == 1 else 'are'} heard no more")
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: not heard before either", fix="ccmux channel ls shows who is")
    return 0


@command.command()
@click.argument("code")
@click.option("--operator", is_flag=True, help="They may also decide approvals and give orders.")
@WHICH
def pair(code: str, operator: bool, which: str) -> int:
    """Let in the stranger whom the app told this code."""
    from ccmux.gateways.spool import pairings
    from ccmux.gateways.spooled import change as change_spool

    missed: CcmuxError = UsageError(
        "no gateway has ever run, so nobody was told a code", fix="ccmux gateway ls tells what to do"
    )
    for home in [existing(which)] if which else homes():
        if not home.spool.exists():
            continue
        try:
            one = change_spool(home, lambda db: pairings.approve(db, code, time.time()))
        except UsageError as error:
            missed = error
            continue
        to = "operators" if operator else "users"
        _let_in(home, one.sender, to)
        print(f"{home.name}: {render.plain(one.sender_name or '?')} ({one.sender}) is among its {to}")
        return 0
    raise missed


@command.command()
@click.argument("name", required=False, default="", type=INSTANCE)
@click.option("-n", "--lines", "limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many.")
@_JSON
def drops(name: str, limit: int, as_json: bool) -> int:
    """Show what was said and went nowhere, and why. No texts are kept."""
    from ccmux.gateways import report

    rows: list[dict[str, Any]] = []
    for home in homes():
        mine = {one.room for one in config.read(home.config).bind if one.instance == name}
        rows += [
            {"gateway": home.name, "at": one.at, "room": one.room, "sender": one.sender}
            | {"name": one.sender_name, "reason": one.reason}
            for one in report.dropped(home, 30 * report.DAY)
            if not name or one.room in mine
        ]
    rows = sorted(rows, key=lambda row: row["at"])[-limit:]
    if as_json:
        print(render.as_json({"v": 1, "drops": rows}))
    elif not rows:
        print("nothing was dropped")
    for row in [] if as_json else rows:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row["at"]))
        who = f"{row['sender'] or '?'} ({render.plain(row['name'] or '?')})"
        print(f"{at}  {row['gateway']}  {row['room']}  {who}  {render.plain(row['reason'])}")
    return 0


def _let_in(home: Home, sender: str, to: str) -> None:
    change(home, lambda spec: binding.allow(spec, [sender], to=to))


def _room(room: dict[str, Any]) -> str:
    called = f"{render.plain(room['name'])} ({room['room']})" if room["name"] else room["room"]
    notes = [
        *(["when it is addressed"] if room["mention"] else []),
        *([f"read back {render.age(room['read_at'])} ago"] if room["read_at"] else []),
        *([f"{room['drops']} dropped in the last day"] if room["drops"] else []),
        *([] if room["exists"] else [f"there is no {room['instance']}: ccmux channel unbind {room['instance']}"]),
    ]
    return f"{called} - {room['instance']}" + (f" ({'; '.join(notes)})" if notes else "")
