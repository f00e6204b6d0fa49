"""How values look to a person. Programs use --json."""

from __future__ import annotations

import json
import time
from typing import Any

_UNTIL = {"paused": "until"}
_SPANS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def as_json(value: object) -> str:
    """One line of JSON; text stays readable."""
    return json.dumps(value, ensure_ascii=False)


def age(since: float) -> str:
    """How long ago, in one unit: 5s, 3m, 2h, 4d."""
    if not since:
        return "-"
    seconds = max(0, int(time.time() - since))
    return next((f"{seconds // size}{unit}" for size, unit in _SPANS if seconds >= size), "0s")


def plain(text: str) -> str:
    """Text from anywhere without what could steer a terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def state_of(instance: dict[str, Any]) -> str:
    """State and reason as one word or two."""
    reason = instance["reason"]
    if instance["until"]:
        at = time.localtime(instance["until"])
        clock = time.strftime("%H:%M:%S" if at[:3] == time.localtime()[:3] else "%a %d %b %H:%M", at)
        return f"{instance['state']} ({plain(reason)}, {_UNTIL.get(instance['state'], 'tried again at')} {clock})"
    return f"{instance['state']} ({plain(reason)})" if reason else str(instance["state"])


def table(instances: list[dict[str, Any]]) -> str:
    """The instances as aligned columns."""
    rows = [("NAME", "STATE", "SINCE", "QUEUE", "DIRECTORY")]
    for one in instances:
        queue = one["queue"]
        waiting = queue["waiting"] + queue["in_flight"]
        dead = f" +{queue['dead']} dead" if queue["dead"] else ""
        rows.append((one["name"], state_of(one), age(one["since"]), f"{waiting}{dead}", plain(one["cwd"])))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]
    return "\n".join(lines)
