"""What goes wrong, when it is asked to: by count, or by chance from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.fakes.slack.values import Json

#   of a method of the Web API (and "upload", "download", "*"):
#     drop     the TCP connection is closed unanswered          status  an answer of that HTTP status, no JSON
#     error    HTTP 200, ok: false, that error                  limited 429, Retry-After
#     hang     no answer until the stand-in ends                delay   the effect and the answer come `seconds` later
#   of "socket.handshake":
#     status   the handshake is refused with that status (408), its ticket spent
#     deaf     half-open right after `hello`                  drop, hang, delay as above
#   of "socket.event" (one delivery):
#     lose     never sent to anyone          twice   sent again in another envelope at once
#     swap     sent after the next one       delay   sent `seconds` later            drop    the sockets die instead
#     deaf     the sockets go half-open instead
Do = Literal["drop", "status", "error", "limited", "hang", "delay", "lose", "twice", "swap", "deaf"]


@dataclass(frozen=True)
class Fault:
    """`after` is after the effect: what was asked is done, and its answer is spoilt."""

    do: Do
    after: bool = False
    status: int = 500
    error: str = "internal_error"
    seconds: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.do} {'after' if self.after else 'before'}"


@dataclass
class Rule:
    target: str
    fault: Fault
    left: int | None
    chance: float
    where: Callable[[Json], bool] | None

    def fits(self, target: str, subject: Json) -> bool:
        named = target == self.target or (self.target == "*" and not target.startswith("socket."))
        return named and self.left != 0 and (self.where is None or self.where(subject))


class Faults:
    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._rules: list[Rule] = []

    def add(
        self,
        target: str,
        fault: Fault,
        *,
        times: int | None = 1,
        chance: float = 1.0,
        where: Callable[[Json], bool] | None = None,
    ) -> Rule:
        """Spoil the next `times` (None: for ever) of `target`, each with `chance`, of those whose args `where` takes."""
        rule = Rule(target, fault, times, chance, where)
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        self._rules.clear()

    def take(self, target: str, subject: Json) -> Fault | None:
        """The fault that this one meets, counted as used."""
        for rule in self._rules:
            if rule.fits(target, subject) and (rule.chance >= 1 or self._random.random() < rule.chance):
                if rule.left is not None:
                    rule.left -= 1
                return rule.fault
        return None

    def coin(self) -> bool:
        return self._random.random() < 0.5
