"""How long what is waited for."""

from __future__ import annotations

import msgspec


class Timing(msgspec.Struct, frozen=True):
    """In seconds."""

    look: float = 5.0
    """between two looks at the connection"""
    grace: float = 15.0
    """without a connection, until the client is replaced: its own reconnecting takes less, or for ever"""
    connect: float = 20.0
    ping: float = 5.0
    close: float = 5.0
    asleep: float = 60.0
    """a look that comes so much too late was slept through"""
    first: float = 1.0
    longest: float = 300.0
    stable: float = 60.0
    """a connection of that age forgets earlier troubles"""
    poll: float = 300.0
    """between two readings back"""
    late: float = 60.0
    """a message of that age that was only found by reading back did not come by the socket"""
    settle: float = 10.0
    """younger messages are read back once more: the history need not be whole yet"""
    names: float = 1.0
    """a message waits for the name of who said it"""
