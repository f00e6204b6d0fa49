"""The channels whose peer speaks the link: remembered, so that a reply is never handed to nobody after a restart."""

from __future__ import annotations

import sqlite3
from typing import Final

from ccmux.model.ids import ChannelName

_LINK: Final = "link:"


def join(db: sqlite3.Connection, channel: ChannelName, peer: str, at: float) -> None:
    """The peer said hello, or spoke. Doing it again changes nothing but its name."""
    db.execute("INSERT OR REPLACE INTO links (channel, peer, since) VALUES (?, ?, ?)", (channel, peer, at))


def leave(db: sqlite3.Connection, channel: ChannelName) -> None:
    db.execute("DELETE FROM links WHERE channel = ?", (channel,))


def channels(db: sqlite3.Connection) -> list[ChannelName]:
    return [ChannelName(row[0]) for row in db.execute("SELECT channel FROM links")]


def key_of(channel: ChannelName, name: str) -> str:
    """The source key of a message that the peer of a channel sent by that name."""
    return f"{_LINK}{channel}:{name}"


def name_of(source_key: str) -> str:
    """The peer's name of a message; empty when no peer sent it."""
    return source_key.removeprefix(_LINK).partition(":")[2] if source_key.startswith(_LINK) else ""
