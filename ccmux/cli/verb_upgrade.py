"""`ccmux upgrade [--to VERSION|WHEEL]`, `ccmux upgrade --back`."""

from __future__ import annotations

import click

from ccmux.errors import UsageError
from ccmux.upgrade import flow


@click.command()
@click.option("--to", "to", default="", metavar="VERSION|WHEEL", help="That release, not the newest.")
@click.option("--back", "back", is_flag=True, help="To the release before this one.")
@click.option("--no-probe", is_flag=True, help="Do not try the new release on Claude Code first (half a minute).")
def command(to: str, back: bool, no_probe: bool) -> int:
    """Take up another release, daemon by daemon; Claude does not notice. Goes back by itself when it fails."""
    if back and to:
        raise UsageError("--back and --to exclude each other")
    for line in flow.back() if back else flow.upgrade(to, probe=not no_probe):
        print(line, flush=True)
    return 0
