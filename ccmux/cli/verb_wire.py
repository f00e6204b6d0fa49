"""`ccmux wire ls|check|repair`."""

from __future__ import annotations

import dataclasses

import click

from ccmux.cli import render
from ccmux.fleet.wires import Wire, repair, wires
from ccmux.paths import MAIN


@click.group()
def command() -> None:
    """Show, check or repair the wires between projects and the assistant. They are made by themselves."""


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def list_(as_json: bool) -> int:
    """Show the wire of every project, and what waits at either end."""
    found = wires()
    if as_json:
        print(render.as_json({"v": 1, "wires": [dataclasses.asdict(one) for one in found]}))
        return 0
    for one in found:
        print("\n".join(_lines(one)))
    if not found:
        print("no projects yet: ccmux new NAME makes one")
    return 0


@command.command()
def check() -> int:
    """Say what is wrong; 1 when something is."""
    wrong = [f"{one.project}: {problem}" for one in wires() for problem in one.problems]
    print("\n".join(wrong) or "every wire is whole")
    return 1 if wrong else 0


@command.command("repair")
def repair_() -> int:
    """Make what is missing. Daemons that run do so by themselves."""
    made = repair()
    print("\n".join(f"made {path}" for path in made) or "nothing was missing")
    return check.callback() if check.callback is not None else 0


def _lines(one: Wire) -> list[str]:
    if not one.wired:
        return [
            f"{one.project}: not wired ({'; '.join(one.problems) or f'report.wire is false, or there is no {MAIN}'})"
        ]
    return [
        f"{one.project}: run/out.report -> {one.up}  ({one.reports} reports wait)",
        f"{' ' * len(one.project)}  run/in.boss <- {one.down}  ({one.directives} directives wait)",
        *(f"{' ' * len(one.project)}  ! {problem}" for problem in one.problems),
    ]
