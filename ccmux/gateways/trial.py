"""Post a line where an instance works, and look whether it is there: beside the gateway, which need not run."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from ccmux.errors import GatewayError, Undeliverable, Unsure
from ccmux.gateways import config, kinds
from ccmux.gateways.base import Transport
from ccmux.gateways.config import Binding
from ccmux.gateways.home import Home
from ccmux.gateways.words import Act, Notice, Place
from ccmux.model.ids import new_message_id

_WITHIN = 60.0
_LOOKS = 5
_PAUSE = 1.0


class Seen(StrEnum):
    """What became of it, as a sentence."""

    YES = "posted, and seen there again"
    NO = "posted, but not seen there again"
    UNTOLD = "posted (this service does not tell what is there)"


def trial(home: Home, one: Binding) -> Seen:
    """Whether it was seen there again. Raises a GatewayError when it could not be posted."""
    return asyncio.run(_trial(home, one))


async def _trial(home: Home, one: Binding) -> Seen:
    transport = kinds.make(home)
    teams = config.read(home.config).access.teams
    text = f"A line to try it out: {one.instance} works here."
    try:
        async with asyncio.timeout(_WITHIN):
            (draft, *_) = transport.drafts(Notice(text))
            act = Act(new_message_id(), Place(one.room, team=teams[0] if teams else ""), draft)
            try:
                posted = await transport.perform(act)
            except Unsure:
                posted = ""
            if posted and not transport.caps.finds:
                return Seen.UNTOLD
            return Seen.YES if await _seen(transport, act) else Seen.NO
    except TimeoutError:
        raise GatewayError(f"{home.kind} does not answer", fix=f"ccmux gateway {home.name} shows it") from None
    finally:
        await transport.close()


async def _seen(transport: Transport, act: Act) -> bool:
    """A service may show what was posted only after a while."""
    for _ in range(_LOOKS):
        try:
            if await transport.find(act) is not None:
                return True
        except Undeliverable:
            return False
        await asyncio.sleep(_PAUSE)
    return False
