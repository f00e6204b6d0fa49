"""What `status` and `ls` tell of a running instance: the same keys for every instance, see docs/PROTOCOL.md."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from ccmux import __version__
from ccmux.claude.launch import work_directory
from ccmux.daemon.drift import drift
from ccmux.daemon.driver import Driver
from ccmux.daemon.hub import Hub
from ccmux.errors import CcmuxError
from ccmux.journal import inbox
from ccmux.journal.database import Database
from ccmux.model.snapshot import frame
from ccmux.model.usage import frame as usage_frame


def evidence(hub: Hub) -> list[dict[str, Any]]:
    """Every source of the state, in the order in which they count."""
    return [asdict(one) for one in hub.evidence]


async def status(driver: Driver, db: Database, hub: Hub) -> dict[str, Any]:
    """One object of `instances`."""
    paths, spec = driver.session.paths, driver.spec
    dead = await db.read(inbox.dead)
    try:
        work = str(work_directory(paths, spec))
    except CcmuxError:
        work = spec.dir
    facts = driver.facts
    return frame(
        paths,
        role=spec.role,
        state=hub.reading.state,
        reason=db.trouble or hub.reading.reason,
        since=hub.since,
        cwd=work,
        session_id=str(facts["session_id"]),
        claude={"pid": hub.facts.get("pid", 0), "version": hub.facts.get("version", "")},
        daemon=os.getpid(),
        version=__version__,
        pane=str(hub.facts.get("pane", "")),
        queue={"waiting": facts["waiting"], "in_flight": facts["in_flight"], "dead": dead},
        blocked=str(facts["blocked"]),
        login=driver.session.login,
        until=driver.held_until,
        drift=drift(paths, spec),
        activity=asdict(hub.activity) if hub.activity.since else {},
        usage=usage_frame(driver.usage.today) if driver.usage.today.day else {},
    )
