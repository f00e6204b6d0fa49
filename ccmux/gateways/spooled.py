"""Changes that a person makes in a gateway's spool, whether the gateway runs or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from ccmux.errors import UsageError
from ccmux.gateways.home import Home
from ccmux.gateways.spool.schema import SPOOL
from ccmux.journal.connection import connect, explained

T = TypeVar("T")


def change(home: Home, work: Callable[[sqlite3.Connection], T]) -> T:
    """Do it in one transaction. Raises UsageError where there is no spool yet, and what `work` raises: then it was not done."""
    if not home.spool.exists():
        raise UsageError(f"{home.name} never ran: it has nothing yet", fix=f"ccmux gateway start {home.name}")
    with closing(connect(home.spool, SPOOL)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
            result = work(db)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            raise explained(error, home.spool, "written") from error
    return result
