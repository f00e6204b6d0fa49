"""Orders that come over a channel, carried out and answered in a line."""

from __future__ import annotations

import logging

from ccmux.approvals.desk import Answer, Approvals
from ccmux.core.commanded import Commanded
from ccmux.daemon.driver import Driver
from ccmux.daemon.hub import Hub
from ccmux.daemon.orders import Orders, Typed
from ccmux.errors import CcmuxError

log = logging.getLogger(__name__)

_TYPED = {"clear": Typed.CLEAR, "new": Typed.CLEAR, "compact": Typed.COMPACT}


class Commands:
    """Of one instance."""

    def __init__(self, driver: Driver, orders: Orders, approvals: Approvals, hub: Hub) -> None:
        self._driver = driver
        self._orders = orders
        self._approvals = approvals
        self._hub = hub

    async def carry_out(self, order: Commanded, who: str) -> str:
        """What was done, or why it was not, in words."""
        try:
            return await self._do(order, who)
        except CcmuxError as error:
            return f"not done: {error.what}"
        except OSError as error:  # no descriptor is left, say: whoever ordered must hear of it
            log.exception("the order %s failed", order.verb)
            return f"not done: {error}"

    async def _do(self, order: Commanded, who: str) -> str:
        if order.code:
            answers = tuple(part.strip() for part in order.rest.split(";") if part.strip())
            allow = order.verb == "approve"
            answer = Answer(allow, who, reason="" if allow else order.rest, answers=answers if allow else ())
            approval = await self._approvals.answer(order.code, answer)
            return f"{approval.code} is {approval.state}"
        match order.verb:
            case "status":
                await self._driver.look()
                return self._status()
            case "stop":
                await self._driver.interrupt(who)
                return "the turn is stopped"
            case "pause":
                await self._orders.pause(who)
                return "paused: messages are kept and wait for /resume"
            case "resume":
                await self._driver.resume(who)
                return "it goes on"
            case verb:
                await self._orders.have_typed(_TYPED[verb], who)
                return f"{_TYPED[verb]} was typed"

    def _status(self) -> str:
        reading, facts = self._hub.reading, self._driver.facts
        why = f" ({reading.reason})" if reading.reason else ""
        asked = ", ".join(one.code for one in self._hub.approvals())
        waits = f"; waits for an answer to {asked}" if asked else ""
        paused = f"; paused by {self._hub.paused}" if self._hub.paused else ""
        held = f"; {self._hub.held}" if self._hub.held else ""
        return f"{reading.state}{why}; {facts['waiting']} waiting, {facts['in_flight']} in flight{waits}{paused}{held}"
