"""Who is heard. Pure: ids against lists, on every kind of event; an empty list is nobody."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.core.commanded import Commanded, commanded
from ccmux.gateways.config import Binding, GatewaySpec
from ccmux.gateways.words import Heard, Kind, Sender


@dataclass(frozen=True, slots=True)
class Accepted:
    """It goes to the instance of that binding; an order is carried out instead."""

    binding: Binding
    order: Commanded | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """It goes nowhere. `stranger`: a person whom the one at the terminal may let in."""

    reason: str
    stranger: bool = False


def judge(heard: Heard, spec: GatewaySpec) -> Accepted | Dropped:
    """What becomes of it."""
    access = spec.access
    if heard.place.team not in access.teams:
        return Dropped("another workspace")
    refused = _sender(heard, spec)
    if refused:
        return Dropped(refused, stranger=not heard.sender.bot and heard.place.direct and heard.kind is Kind.SAID)
    binding = spec.of_room(heard.place.room, direct=heard.place.direct)
    if binding is None:
        return Dropped("the room is not bound to an instance")
    if binding.mention and not heard.mentioned and not heard.place.direct:
        return Dropped("not addressed to us")
    if heard.kind is not Kind.DELETED and not heard.text.strip() and not heard.files:
        return Dropped("nothing in it")
    order = commanded(heard.text) if heard.kind is Kind.SAID and not heard.files else None
    if order is not None and not may_decide(heard.sender, spec):
        return Dropped("an order of somebody who is no operator")
    return Accepted(binding, order)


def _sender(heard: Heard, spec: GatewaySpec) -> str:
    access, sender = spec.access, heard.sender
    if not sender.id:
        return "nobody said it"
    if sender.bot:
        if sender.id not in access.bots:
            return "a program"
        return f"it went through {heard.hops} programs before" if heard.hops >= access.hops else ""
    return "" if sender.id in (*access.users, *access.operators) else "a stranger"


def may_decide(sender: Sender, spec: GatewaySpec) -> bool:
    """Whether they may answer Claude's questions and give orders."""
    return not sender.bot and sender.id in spec.access.operators
