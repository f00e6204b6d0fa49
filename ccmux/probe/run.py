"""Try every fact on one binary, in one session, in order."""

from __future__ import annotations

import time
from pathlib import Path

from ccmux.claude import binary
from ccmux.errors import CcmuxError
from ccmux.probe import facts  # noqa: F401 - registers the facts
from ccmux.probe.fact import FACTS, Fact, Finding, Wrong
from ccmux.probe.stage import Stage


async def probe(claude: Path) -> tuple[str, list[Finding]]:
    """The binary's version and a finding for every fact. Starts and ends a Claude of its own; takes under a minute."""
    version = binary.version(claude)
    findings: list[Finding] = []
    async with Stage.opened(claude) as stage:
        for one in FACTS:
            if findings and findings[0].holds is False:
                findings.append(Finding(one.id, one.what, None, "not tried", one.degrades, 0.0))
                continue
            findings.append(await _try(one, stage))
            if findings[-1].holds is False and one is not FACTS[0]:
                await _calm(stage)
    return version, findings


async def _try(one: Fact, stage: Stage) -> Finding:
    begun = time.monotonic()
    try:
        seen, holds = await one.check(stage), True
    except (Wrong, CcmuxError, IndexError, KeyError) as error:
        seen, holds = str(error) or repr(error), False
    return Finding(one.id, one.what, holds, seen, one.degrades, time.monotonic() - begun)


async def _calm(stage: Stage) -> None:
    """Make the stage fit for the next fact, as far as that can be done; the next fact shows whether it was."""
    try:
        await stage.calm()
    except (Wrong, CcmuxError):
        return
