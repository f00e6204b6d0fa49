"""Start, stop and restart a gateway, by whatever manager keeps it. Repeated, each does nothing more."""

from __future__ import annotations

from ccmux.errors import CcmuxError, Missing
from ccmux.locks import held
from ccmux.managers.base import Ended, Unit
from ccmux.managers.choose import manager
from ccmux.managers.kept import Kept
from ccmux.managers.kept import gateway as kept
from ccmux.managers.owner import must_own
from ccmux.managers.waiting import until

STARTS_WITHIN = 30.0


def of(name: str) -> Kept:
    """The gateway of that (already checked) name, which must have been set up."""
    found = kept(name)
    if not (found.home / "gateway.toml").exists():
        raise Missing(f"the gateway {name} was never set up", fix="ccmux gateway ls shows those that were")
    return found


def start(name: str) -> bool:
    """Have it run; whether it was started. Returns once it holds its lock: it may not be connected yet."""
    one = of(name)
    must_own(one)
    if held(one.lock) and held(one.keeper_lock):
        return False
    runs = held(one.lock)
    ended = manager().gateways.launch(one)
    _runs(one, ended)
    return not runs


def restart(name: str) -> None:
    """Start it anew."""
    one = of(name)
    must_own(one)
    _runs(one, manager().gateways.relaunch(one))


def stop(name: str) -> bool:
    """End it; whether it ran. What it has not handed on, or posted, is kept."""
    one = of(name)
    must_own(one)
    return manager().gateways.end(one)


def unit(name: str) -> Unit:
    """As its manager sees it."""
    return manager().gateways.unit(of(name))


def _runs(one: Kept, ended: Ended) -> None:
    def runs() -> bool:
        why = ended()
        if why and not held(one.lock):
            raise CcmuxError(f"{one.called} ended at its start: {why}", fix=f"ccmux gateway {one.name} shows it")
        return held(one.lock)

    until(runs, STARTS_WITHIN, f"{one.called} does not start")
