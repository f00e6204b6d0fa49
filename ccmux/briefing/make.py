"""A whole briefing: read the table, compose, and have it condensed where that is wanted and succeeds."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import msgspec

from ccmux.briefing import table
from ccmux.briefing.condense import NotCondensed, condense
from ccmux.claude import envfile
from ccmux.core.briefing import Told, compose, projects_of
from ccmux.core.days import Zone
from ccmux.errors import ConfigError
from ccmux.model.instance import Briefing, BriefingSpec
from ccmux.paths import InstancePaths

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Told).decode


@dataclass(frozen=True, slots=True)
class Made:
    """A briefing that can be sent."""

    text: str
    told: Told
    condensed: bool = False
    why: str = ""
    """why it is not condensed although it should be, or what could not be read"""

    @property
    def kept(self) -> str:
        """What the next one needs: goes into the journal with the sending."""
        return _encode(self.told).decode()


async def make(paths: InstancePaths, spec: BriefingSpec, kind: Briefing, *, kept: str, zone: Zone, now: float) -> Made:
    """The briefing as it is now. `kept` is what was kept of the one before; never fails for what the projects wrote."""
    why = ""
    try:
        lines = await asyncio.to_thread(table.lines, paths)
    except OSError as error:
        lines, why = [], f"the projects' table cannot be read: {error}"
    told = Told(now, await asyncio.to_thread(projects_of, lines, zone))
    head, rest = compose(kind, told, _before(kept), zone, spec.stale_after)
    text = f"{head}\n\n{rest}" if rest else head
    if why:
        log.warning("%s briefing: %s", kind, why)
    elif spec.condense and rest:
        try:
            env = await asyncio.to_thread(envfile.load, paths.env)
            return Made(f"{head}\n\n{await condense(text, spec, env)}", told, condensed=True)
        except (NotCondensed, ConfigError, OSError) as error:
            why = str(error)
            log.warning("the %s briefing goes out as it is, not condensed: %s", kind, why)
    return Made(text, told, why=why)


def _before(kept: str) -> Told:
    try:
        return _decode(kept) if kept else Told()
    except msgspec.DecodeError:
        return Told()
