"""How the gateways are, from what they left on the disk: their locks, `health.json`, spools. Looks only."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final, TypeVar

import msgspec

from ccmux.errors import CcmuxError, ConfigError
from ccmux.fleet import registry
from ccmux.gateways import config
from ccmux.gateways.config import GatewaySpec
from ccmux.gateways.home import Home, homes
from ccmux.gateways.spool import acts, heard, notes
from ccmux.gateways.spool.acts import Row
from ccmux.gateways.spool.notes import Drop
from ccmux.gateways.words import Health
from ccmux.journal.connection import explained
from ccmux.locks import held

T = TypeVar("T")
DAY: Final = 86400.0
_UNKNOWN: Final = Health("connecting", 0.0)


class _Told(Health, frozen=True):
    """`health.json`."""

    pid: int = 0


def all_of_them() -> list[dict[str, Any]]:
    """Every gateway, as `ccmux gateway ls --json` tells it."""
    return [of(home) for home in homes()]


def of(home: Home) -> dict[str, Any]:
    """One. Never fails: its state then says what is wrong."""
    runs = held(home.lock)
    now = health(home) if runs else Health("stopped", 0.0, fix=f"ccmux gateway start {home.name}")
    reason, fix, rooms = now.reason, now.fix, 0
    kept: dict[str, int] = {}
    posts: dict[str, int] = {}
    try:
        rooms = len(config.read(home.config).bind)
        kept, posts = looked(home, heard.counts, {}), looked(home, acts.counts, {})
    except CcmuxError as error:
        reason, fix = reason or error.what, fix if reason else error.fix
    return {
        "name": home.name,
        "kind": home.kind,
        "instance": home.own,
        "state": now.state,
        "account": now.account,
        "since": now.since,
        "rooms": rooms,
        "waiting_in": kept.get("kept", 0),
        "waiting_out": sum(posts.values()) - posts.get("dead", 0),
        "dead": posts.get("dead", 0),
        "rivals": now.rivals,
        "last_heard": now.last_heard,
        "reason": reason,
        "fix": fix,
    }


def health(home: Home) -> Health:
    """As the process that runs told it last; what one before it told does not count."""
    try:
        told = msgspec.json.decode(home.health.read_bytes(), type=_Told)
        return told if told.pid in (0, int(home.lock.read_text(encoding="ascii"))) else _UNKNOWN
    except (OSError, ValueError):
        return _UNKNOWN


def rooms(home: Home) -> list[dict[str, Any]]:
    """Its rooms and whose they are, as `ccmux channel ls --json` tells them."""
    spec, instances = config.read(home.config), registry.names()
    nothing: dict[str, float] = {}
    cursors, drops = looked(home, _cursors, nothing), dropped(home, DAY)
    return [
        {
            "gateway": home.name,
            "room": one.room,
            "name": one.name,
            "instance": one.instance,
            "exists": one.instance in instances,
            "mention": one.mention,
            "read_at": cursors.get(one.room, 0.0),
            "drops": sum(drop.room == one.room for drop in drops),
        }
        for one in spec.bind
    ]


def dropped(home: Home, within: float, limit: int = 5000) -> list[Drop]:
    """What went nowhere in so many seconds, newest first."""
    return looked(home, lambda db: notes.drops(db, time.time() - within, limit), [])


def dead(home: Home) -> list[Row]:
    """What could not be posted and waits for a person."""
    return looked(home, acts.dead, [])


def unbound(spec: GatewaySpec) -> list[str]:
    """Instances that rooms are bound to and that do not exist."""
    return sorted({one.instance for one in spec.bind} - set(registry.names()))


def looked(home: Home, look: Callable[[sqlite3.Connection], T], nothing: T) -> T:
    """What a look into its spool shows; `nothing` where there is none yet. Never writes."""
    if not home.spool.exists() or not home.spool.stat().st_size:
        return nothing
    try:
        with closing(sqlite3.connect(f"{home.spool.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)) as db:
            db.row_factory = sqlite3.Row
            return look(db) if db.execute("PRAGMA user_version").fetchone()[0] else nothing
    except sqlite3.Error as error:
        raise explained(error, home.spool, "read") from error


def problem(home: Home) -> ConfigError | None:
    """What is wrong with its configuration."""
    try:
        config.read(home.config)
    except ConfigError as error:
        return error
    return None


def _cursors(db: sqlite3.Connection) -> dict[str, float]:
    """Room → when it was read back to its end last."""
    return {row["room"]: row["at"] for row in db.execute("SELECT room, at FROM cursors")}
