"""`ccmux approvals`."""

from __future__ import annotations

import time

import click

from ccmux.cli import render
from ccmux.cli.instances import INSTANCE
from ccmux.core.asking import frame, words
from ccmux.fleet import registry
from ccmux.journal.history import approvals, audit
from ccmux.model.approval import Approval


@click.command()
@click.argument("name", required=False, type=INSTANCE)
@click.option("--all", "everything", is_flag=True, help="Those that were decided, too.")
@click.option("--audit", "as_audit", is_flag=True, help="Who decided what, line by line, instead.")
@click.option("-n", "--lines", "limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str | None, everything: bool, as_audit: bool, limit: int, as_json: bool) -> int:
    """Show what Claude waits for: tools, questions, plans."""
    found = [registry.existing(name)] if name else [registry.existing(one) for one in registry.names()]
    if as_audit:
        lines = [(line, paths.name) for paths in found for line in audit(paths.journal, limit)]
        for line, instance in sorted(lines, key=lambda one: one[0].at):
            detail = render.plain(line.detail)
            print(f"{_clock(line.at)}  {instance}  {line.subject}  {line.what} by {render.plain(line.who)}  {detail}")
        return 0
    asked = [
        (one, paths.name) for paths in found for one in approvals(paths.journal, everything=everything, limit=limit)
    ]
    if as_json:
        print(render.as_json({"v": 1, "approvals": [frame(one, instance) for one, instance in asked]}))
    elif not asked:
        print("nothing waits for an answer")
    for one, instance in [] if as_json else asked:
        print(_full(one, instance))
    return 0


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _full(one: Approval, instance: str) -> str:
    by = f" by {render.plain(one.decided_by)}" if one.decided_by else f", until {_clock(one.expires_at)}"
    head = f"{one.code}  {one.state}{by}  asked {_clock(one.created_at)}"
    text = words(one, instance).split("\n")
    if one.decided_by:
        text = [*text[:-1], *([f"  reason: {one.reason}"] if one.reason else [])]
    return "\n".join([head, *(f"  {render.plain(line)}" for line in text)])
