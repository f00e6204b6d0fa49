"""Choosing the step that answers a request. No I/O, no clock, no threads: the caller serialises the calls."""

import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ccmux.standin import transcript
from ccmux.standin.step import JsonObject, Step, StepError, parse_step, parse_steps


@dataclass(frozen=True, slots=True)
class Choice:
    """A step, its bounded faults already reckoned with, and where it came from (`queue`, `rule 0`, `echo`, ...)."""

    step: Step
    source: str


class Reel:
    """Steps given one per request; one with a fault and `times` stays until its content was given as well."""

    def __init__(self, steps: Iterable[Step] = (), *, repeat_last: bool = False) -> None:
        self._steps = deque(steps)
        self._repeat_last = repeat_last
        self._given = 0

    def __len__(self) -> int:
        return len(self._steps)

    def extend(self, steps: Iterable[Step]) -> None:
        """Put steps behind those that are left."""
        self._steps.extend(steps)

    def next(self) -> Step:
        """Give the step whose turn it is; IndexError when none is left."""
        step = self._steps[0].at(self._given)
        self._given += 1
        stays = step.faulty() and step.times is not None
        if not stays and not (self._repeat_last and len(self._steps) == 1):
            self._steps.popleft()
            self._given = 0
        return step


@dataclass(frozen=True, slots=True)
class Rule:
    """What answers the requests whose newest user text the pattern is found in."""

    pattern: re.Pattern[str]
    reel: Reel
    main: bool


def parse_rule(raw: object) -> Rule:
    """Read `{"match": REGEX, "steps": [STEP, ...], "main": true}`; `main: false` is for requests without tools.

    Raises:
        StepError: a key is missing, unknown or wrong, or the regex does not compile.

    """
    if not isinstance(raw, Mapping) or not {"match", "steps"} <= raw.keys() <= {"match", "steps", "main"}:
        raise StepError('a rule is {"match": REGEX, "steps": [STEP, ...]} and perhaps "main": false')
    steps = parse_steps(raw["steps"])
    if not steps:
        raise StepError("a rule needs a step")
    try:
        pattern = re.compile(raw["match"], re.DOTALL)
    except (re.error, TypeError) as error:
        raise StepError(f"bad regex {raw['match']!r}: {error}") from error
    return Rule(pattern, Reel(steps, repeat_last=True), bool(raw.get("main", True)))


class Script:
    """All that was scripted, and the place reached in it."""

    def __init__(self) -> None:
        self.queue = Reel()
        self._rules: list[Rule] = []
        self._default: Reel | None = None
        self._directives: Counter[str] = Counter()

    def set_rules(self, raw: Iterable[object]) -> None:
        """Replace the rules; on a StepError those in force stay."""
        self._rules = [parse_rule(one) for one in raw]

    def set_default(self, raw: object) -> None:
        """Set the step for main requests that nothing else answers; None brings the built-in replies back."""
        self._default = None if raw is None else Reel([parse_step(raw)], repeat_last=True)

    def choose(self, body: JsonObject) -> Choice:
        """Choose the answer to a request, and move on past it."""
        newest, main = transcript.newest(body), bool(body.get("tools"))
        return self._directed(body, newest, main=main) or self._scripted(newest.text, main=main) or _builtin(body)

    def _scripted(self, text: str, *, main: bool) -> Choice | None:
        if main and self.queue:
            return Choice(self.queue.next(), "queue")
        for number, rule in enumerate(self._rules):
            if rule.main == main and rule.pattern.search(text):
                return Choice(rule.reel.next(), f"rule {number}")
        if main and self._default is not None:
            return Choice(self._default.next(), "default")
        return None

    def _directed(self, body: JsonObject, newest: transcript.Newest, *, main: bool) -> Choice | None:
        """Answer by a directive, counting a step's faults per session, place in it, and kind of request."""
        try:
            raw = transcript.directive(newest.text)
            steps = [] if raw is None else parse_steps(raw)
        except (ValueError, RecursionError) as error:
            return Choice(Step(text=f"stand-in: bad directive: {error}"), "bad directive")
        if newest.answers >= len(steps):
            return None
        key = json.dumps([raw, newest.index, newest.answers, main, body.get("metadata")])
        step = steps[newest.answers].at(self._directives[key])
        self._directives[key] += 1
        return Choice(step, f"directive {newest.answers}")


def _builtin(body: JsonObject) -> Choice:
    if not body.get("tools"):
        return Choice(Step(text='{"title": "stand-in"}'), "title")
    if transcript.ends_in_tool_result(body):
        return Choice(Step(text="Tool done."), "tool")
    return Choice(Step(text=transcript.echo(transcript.newest(body).text)), "echo")
