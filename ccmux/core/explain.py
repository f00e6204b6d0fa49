"""Why a state is believed: each source with its value, its age, and what it alone would say; which one won."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.core.reading import TURN_BEGINS, TURN_ENDS, escaped, says_title, told
from ccmux.core.sources import Sources
from ccmux.model.state import Reading

SETTLED = 2.0
"""Seconds after which sources that tell the same thing must agree; each lags behind Claude by less."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one source tells. `says`: idle, busy, waiting or empty; `at`: wall clock of its latest change, 0 unknown."""

    source: str
    value: str
    says: str = ""
    at: float = 0.0
    won: bool = False


def explain(seen: Sources, reading: Reading) -> tuple[Evidence, ...]:
    """Every source in the order in which they count."""
    told = (
        Evidence("daemon", str(seen.life)),
        _pane(seen),
        _registry(seen),
        _hook(seen),
        _row(seen),
        _title(seen),
        _keys(seen),
        _screen(seen),
    )
    return tuple(Evidence(one.source, one.value, one.says, one.at, won=one.source == reading.source) for one in told)


def disagreement(evidence: tuple[Evidence, ...], now: float) -> str:
    """The sources that contradict each other and have had the time to agree, in words; empty when none do.

    Only idle against busy counts, of sources that tell since when: a title does not, and cannot tell waiting from idle.
    """
    said = {one.source: one.says for one in evidence if one.says and one.at and now - one.at >= SETTLED}
    if {"idle", "busy"} <= set(said.values()):
        return ", ".join(f"{source} says {says}" for source, says in said.items())
    return ""


def _pane(seen: Sources) -> Evidence:
    pane = seen.pane
    if pane is None:
        return Evidence("pane", "there is none")
    if pane.dead:
        return Evidence("pane", f"{pane.id} is dead ({pane.exit_status or 'no status'})")
    mode = f", in {pane.mode or 'a mode'}" if pane.in_mode else ""
    return Evidence("pane", f"{pane.id} lives (pid {pane.pid}){mode}")


def _registry(seen: Sources) -> Evidence:
    registered = seen.registered
    if registered is None:
        return Evidence("registry", "there is none; the fall-backs count" if seen.without_registry else "not yet there")
    waiting = f" for {registered.waiting_for}" if registered.waiting_for else ""
    said = told(seen)
    return Evidence("registry", f"{registered.status}{waiting}", said.status if said else "", registered.changed_at)


def _hook(seen: Sources) -> Evidence:
    hook = seen.hook
    if hook is None:
        return Evidence("hook", "none since the daemon began")
    says = "busy" if hook.event in TURN_BEGINS else "idle" if hook.event in TURN_ENDS else ""
    return Evidence("hook", hook.event, "" if escaped(seen) else says, hook.at)


def _row(seen: Sources) -> Evidence:
    row = seen.row
    return Evidence("transcript", row.event if row else "none since the daemon began", at=row.at if row else 0.0)


def _title(seen: Sources) -> Evidence:
    title = seen.pane.title if seen.pane is not None else ""
    shown = "".join(char for char in title if char.isprintable())[:60]
    return Evidence("title", shown or "none", says_title(title))


def _keys(seen: Sources) -> Evidence:
    pane = seen.pane
    if pane is None or not pane.people:
        return Evidence("keys", "nobody is attached")
    return Evidence("keys", f"{pane.people} attached", at=pane.last_key or 0.0)


def _screen(seen: Sources) -> Evidence:
    box = seen.box
    if box is None:
        return Evidence("screen", "not looked at")
    if not box.present:
        return Evidence("screen", "no prompt box")
    stashed = ", a draft is set aside" if box.stashed else ""
    focus = "" if box.focused else ", the cursor is elsewhere"
    held = f"a draft of {len(box.text)} characters" if box.text else "an empty prompt box"
    return Evidence("screen", f"{held}{focus}{stashed}")
