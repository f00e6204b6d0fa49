"""`ls` for --help; a call without it takes the short way in `ccmux.cli.main`."""

from __future__ import annotations

import click

from ccmux.cli import ls


@click.command(help=ls.HELP)
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
@click.option("--watch", is_flag=True, help="Show it again every second.")
def command(as_json: bool, watch: bool) -> int:
    """See HELP."""
    return ls.run([*(["--json"] if as_json else []), *(["--watch"] if watch else [])])
