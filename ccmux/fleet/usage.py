"""What the instances used, day by day, from their journals: also of those whose daemon does not run."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

import msgspec

from ccmux.claude.launch import login_of
from ccmux.claude.login import Kind
from ccmux.config.load import load
from ccmux.core.days import zone_of
from ccmux.errors import ConfigError
from ccmux.journal.history import usage_days
from ccmux.model.instance import InstanceSpec
from ccmux.model.usage import frame
from ccmux.paths import InstancePaths


def summed(found: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """All days of those instances together, one row for each `instance` or `model`. Only an instance has a cost and minutes."""
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        for day in one["days"]:
            parts = day["models"] if by == "model" else {one["instance"]: day["tokens"]}
            for name, tokens in parts.items():
                row = rows.setdefault(name, {by: name, "tokens": dict.fromkeys(tokens, 0)})
                row["tokens"] = {kind: row["tokens"][kind] + count for kind, count in tokens.items()}
                if by == "instance":
                    for key in ("cost_usd", "active_minutes", "turns"):
                        row[key] = round(row.get(key, 0) + day[key], 6)
    return sorted(rows.values(), key=lambda row: -row["tokens"]["total"])


def latest(paths: InstancePaths, count: int) -> dict[str, Any]:
    """The latest days of an instance, this one the last; none when nothing was ever counted."""
    spec, billed = InstanceSpec(), False
    with contextlib.suppress(ConfigError):  # `ccmux doctor` tells; what was used is told nevertheless
        spec = load(paths.config)
        billed = login_of(paths, spec, os.environ).kind is Kind.HELPER
    days = usage_days(paths.journal, time.time(), zone_of(spec.timezone), count)
    return {
        "instance": paths.name,
        "timezone": spec.timezone,
        "cost": "billed" if billed else "theoretical",
        "budget": msgspec.to_builtins(spec.budget),
        "days": [frame(day) for day in days],
    }
