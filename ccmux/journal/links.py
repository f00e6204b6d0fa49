"""The channels whose peer speaks the link: remembered, so that a reply is never handed to nobody after a restart."""

from __future__ import annotations

import sqlite3

from ccmux.model.ids import ChannelName


def join(db: sqlite3.Connection, channel: ChannelName, peer: str, at: float) -> None:
    """The peer said hello, or spoke. Doing it again changes nothing but its name."""
    db.execute("INSERT OR REPLACE INTO links (channel, peer, since) VALUES (?, ?, ?)", (channel, peer, at))


def leave(db: sqlite3.Connection, channel: ChannelName) -> None:
    db.execute("DELETE FROM links WHERE channel = ?", (channel,))


def channels(db: sqlite3.Connection) -> list[ChannelName]:
    return [ChannelName(row[0]) for row in db.execute("SELECT channel FROM links")]
