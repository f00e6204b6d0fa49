"""Looking closely: everything that tells of the state is gathered here, read by the core, and told to everybody."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ccmux.core.budget import REASON as BUDGET
from ccmux.core.clock import seconds_since
from ccmux.core.delivery import Delivery
from ccmux.core.events import Looked
from ccmux.core.explain import disagreement, explain
from ccmux.core.lifecycle import Life
from ccmux.core.missed import Missed
from ccmux.core.patience import Patience
from ccmux.core.reading import INTERRUPTED, NOT_LOGGED_IN, Told, blocked, read_state
from ccmux.core.sources import Heard, Pane, Registered, Sources
from ccmux.daemon.hub import Hub
from ccmux.daemon.session import Session
from ccmux.model.message import MessageState
from ccmux.model.state import InstanceState, Reading
from ccmux.model.turn import (
    FinalText,
    PromptAccepted,
    PromptCommitted,
    SessionBegan,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnInterrupted,
)

log = logging.getLogger(__name__)

AGAIN_SOON: Final = 2.0
"""Seconds between looks while a message waits for something that nobody announces (a draft, a copy mode, tmux)."""
_TMUX_TELLS: Final = 2.0
"""Seconds: tmux tells in whole ones when a key was pressed. A shorter pause could not be told from none."""
_WITHOUT_REGISTRY: Final = 0.5
"""Seconds between looks at a Claude that keeps no registry: a dialog in it is seen on the screen alone."""
_IN_DOUBT: Final = frozenset(
    {MessageState.PASTING, MessageState.SUBMITTING, MessageState.ACCEPTED, MessageState.INTERRUPTED}
)
"""States in which the box is evidence."""
_HOOK_OF: Final[dict[type, str]] = {
    PromptAccepted: "UserPromptSubmit",
    TurnEnded: "Stop",
    TurnFailed: "StopFailure",
    SessionBegan: "SessionStart",
}
_ROW_OF: Final[dict[type, str]] = {PromptCommitted: "prompt", FinalText: "answer", TurnInterrupted: INTERRUPTED}


class Observer:
    """`wake` is called with the seconds after which something may have changed that nobody announces."""

    def __init__(self, session: Session, hub: Hub, wake: Callable[[float], None]) -> None:
        self._session = session
        self._hub = hub
        self._wake_in = wake
        delivery = session.spec.delivery
        self._typing_pause = max(_TMUX_TELLS, delivery.typing_pause)
        self._patience = Patience(delivery.patience)
        self._registry = Missed()
        self._hook: Heard | None = None
        self._row: Heard | None = None
        self._disagreement = ""
        self.draft = ""
        """what stood in the box when it was looked at last"""

    def heard_hook(self, event: TurnEvent, at: float) -> None:
        """A hook told that, at that wall clock."""
        self._hook = Heard(_HOOK_OF.get(type(event), ""), at)

    def heard_row(self, event: TurnEvent) -> None:
        """The transcript tells that now."""
        if type(event) in _ROW_OF:
            self._row = Heard(_ROW_OF[type(event)], time.time())

    async def sources(
        self, pane: Pane | None, registered: Registered | None, life: Life, delivery: Delivery, now: float
    ) -> Sources:
        """Everything that can be seen at this moment; the screen only where it matters."""
        trouble = NOT_LOGGED_IN if self._session.logged_out() else delivery.trouble
        without = self._registry.seen(pane, registered, now)
        if self._registry.wake_at is not None:
            self._wake_in(max(0.05, self._registry.wake_at - now))
        seen = Sources(
            life,
            pane,
            registered,
            without_registry=without,
            hook=self._hook,
            row=self._row,
            trouble=trouble,
            asks=bool(self._hub.approvals()),
        )
        if pane is None or pane.dead or not self._screen_matters(seen, pane, delivery):
            return seen
        box = await self._session.box()
        self.draft = box.text if box is not None else ""
        return replace(seen, box=box)

    def _screen_matters(self, seen: Sources, pane: Pane, delivery: Delivery) -> bool:
        """About to type, in doubt, a person is there or left a draft; always without a registry."""
        if seen.without_registry:
            return True
        if seen.registered is None or seen.registered.status not in ("idle", "shell"):
            return False
        current = delivery.current
        doubt = current is not None and current.state in _IN_DOUBT
        waiting = current is None and bool(delivery.waiting)
        ours = bool(delivery.stashed) or self._session.owes_words or bool(self._hub.orders) or self._hub.tidy
        return doubt or waiting or ours or bool(pane.people or self.draft)

    def read(self, seen: Sources, wall: float) -> Reading:
        """The state; everybody is told, and sources that contradict each other are logged."""
        reading = read_state(seen, wall, self._typing_pause)
        evidence = explain(seen, reading)
        pane, registered = seen.pane, seen.registered
        self._hub.facts = {
            "pane": pane.id if pane else "",
            "pid": pane.pid if pane and not pane.dead else 0,
            "version": registered.version if registered else "",
        }
        why = f"by {self._hub.paused}" if self._hub.paused else BUDGET if self._hub.held else ""
        paused = bool(why) and reading.state is InstanceState.IDLE
        shown = Reading(InstanceState.PAUSED, why, "daemon") if paused else reading
        self._hub.read(shown, wall, evidence)
        differ = disagreement(evidence, wall)
        if differ and differ != self._disagreement:
            log.warning("sources disagree: %s; %s is believed (%s)", differ, reading.source, reading.state)
        self._disagreement = differ
        return reading

    def looked(self, seen: Sources, reading: Reading, said: Told | None, delivery: Delivery, wall: float) -> Looked:
        """What the delivery is to know of it; wakes are set for what may change unannounced."""
        pane, box = seen.pane, seen.box
        why = blocked(seen, reading)
        left = self._patience.seen(why, box.text if box else "", pane.last_key if pane else None, wall)
        if left and (delivery.waiting or delivery.current):
            self._wake_in(left)
        if left == 0:
            why = blocked(seen, reading, patient=False)
        if self._hub.paused or self._hub.held:
            why = why or ("paused" if self._hub.paused else BUDGET)
        return Looked(
            pane.generation if pane is not None and not pane.dead else None,
            idle=said is not None and said.idle,
            blocked=why,
            box=box.text if box is not None and box.present else None,
            waited=left == 0,
            stashed=box is not None and box.stashed,
            wall=wall,
            held="" if self._hub.paused else self._hub.held,
        )

    def wake_for_people(self, seen: Sources, reading: Reading, delivery: Delivery, wall: float) -> None:
        """Look again at what nobody announces: the end of a pause in typing, a draft, a dialog without registry."""
        last_key = seen.pane.last_key if seen.pane is not None else None
        if last_key is not None and reading.state is InstanceState.TYPING:
            left = self._typing_pause - seconds_since(last_key, wall)
            self._wake_in(left if left > 0 else AGAIN_SOON)
        elif seen.without_registry:
            self._wake_in(_WITHOUT_REGISTRY)
        elif delivery.waiting and delivery.current is None and delivery.blocked:
            self._wake_in(AGAIN_SOON)
