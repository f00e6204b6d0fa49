"""`ccmux report`, run within an instance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.config.load import load
from ccmux.errors import CcmuxError, UsageError
from ccmux.fleet import registry
from ccmux.fleet.client import Client
from ccmux.paths import MAIN, InstancePaths


@click.command()
@click.argument("name", type=INSTANCE, required=False)
@click.option("--task", help="What is being worked on.")
@click.option("--progress", help="How far it is, as `3/7 companies analyzed`.")
@click.option("--alert", "alerts", multiple=True, help="What a person must know or decide; several may be given.")
@click.option("--deliverable", "deliverables", multiple=True, help="A result, by its relative name within the project.")
@click.option("--done", is_flag=True, help="The task is completed.")
@click.option("--show", is_flag=True, help="What was reported last, and what of it was held back.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(
    name: str | None,
    task: str | None,
    progress: str | None,
    alerts: tuple[str, ...],
    deliverables: tuple[str, ...],
    done: bool,
    show: bool,
    as_json: bool,
) -> int:
    """Tell the assistant where a project stands; within the project's session NAME need not be given.

    One short line each. What must not leave the project (paths, code, addresses, secrets) is cut.
    """
    given: dict[str, Any] = {key: value for key, value in (("task", task), ("progress", progress)) if value is not None}
    given |= {"deliverables": list(deliverables)} if deliverables else {}
    given |= {"alerts": list(alerts)} if alerts else {}
    given |= {"done": True} if done else {}
    if not given and not show:
        raise UsageError("there is nothing to report", fix="ccmux report --task TEXT --progress TEXT, or --show")
    paths = _here() if name is None else registry.existing(name)
    own = _session()
    if own is not None and own.home != paths.home:
        raise UsageError(f"in the session of {own.name} only {own.name} can report", fix="leave out the name")
    with Client(paths) as client:
        answer = client.ask(op="report", report=given)
    if as_json:
        print(render.as_json(answer))
        return 0
    if show:
        for key, value in answer["report"].items():
            print(f"{key}: {render.plain(', '.join(value) if isinstance(value, list) else str(value))}")
        if answer["held"]:
            print(f"{answer['held']} more wait to be sent")
    cut = ", ".join(f"{key} ({count})" for key, count in answer["cut"].items())
    if cut:
        print(f"held back: {cut}")
    return 0


def _here() -> InstancePaths:
    """The instance in whose session, or else in whose directory, this runs."""
    own = _session()
    if own is not None:
        return own
    here = Path.cwd().resolve()
    for name in registry.names():
        paths = InstancePaths.of(name)
        try:
            spec = load(paths.config)
        except CcmuxError:
            continue
        work = Path(spec.dir or paths.work).resolve()
        if name != MAIN and (here == work or work in here.parents):
            return paths
    raise UsageError("this is not the session, nor the directory, of a project", fix="ccmux report NAME …")


def _session() -> InstancePaths | None:
    """The instance in whose session this runs, by the configuration directory of its Claude."""
    config = os.environ.get("CLAUDE_CONFIG_DIR", "")
    home = Path(config).parent
    if not config or not (home / "ccmux.toml").exists():
        return None
    return InstancePaths(MAIN if home.name == ".ccmux" else home.name.removeprefix(".ccmux-"), home)
