"""`ccmux ls [--json] [--watch]`: every instance and what it is doing."""

from __future__ import annotations

import sys
import time

from ccmux.cli.render import as_json, table
from ccmux.errors import UsageError
from ccmux.fleet.listing import statuses
from ccmux.fleet.registry import names

HELP = "Show every instance and what it is doing."


def run(words: list[str]) -> int:
    """Print once, or with --watch again and again until interrupted."""
    unknown = [word for word in words if word not in ("--json", "--watch")]
    if unknown:
        raise UsageError(f"ccmux ls does not know {unknown[0]!a}", fix="ccmux ls [--json] [--watch]")
    while True:
        instances = statuses(names())
        if "--json" in words:
            print(as_json({"v": 1, "instances": instances}), flush=True)
        else:
            clear = "\x1b[H\x1b[2J" if "--watch" in words and sys.stdout.isatty() else ""
            text = table(instances) if instances else "no instances yet: ccmux new NAME makes one"
            print(clear + text, flush=True)
        if "--watch" not in words:
            return 0
        time.sleep(1)
