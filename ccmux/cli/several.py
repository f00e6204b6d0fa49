"""The verbs that take `NAME…` or `--all`: choose the instances, do one thing to each, and go on past a failure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from ccmux.errors import CcmuxError, UsageError
from ccmux.fleet import registry
from ccmux.fleet.client import Client
from ccmux.paths import InstancePaths

T = TypeVar("T")
_ORDERED_WITHIN = 30.0
"""Seconds: an order may wait for a calm moment."""


def chosen(names: tuple[str, ...], everyone: bool) -> list[InstancePaths]:
    """The instances meant. Raises before anything is done when one does not exist."""
    if bool(names) == everyone:
        raise UsageError("name instances, or say --all")
    return [registry.existing(name) for name in (registry.names() if everyone else names)]


def each(instances: list[InstancePaths], act: Callable[[InstancePaths], str]) -> int:
    """Do it to each and print what was done; the exit code of the first failure."""
    return each_called([(paths.name, paths) for paths in instances], act)


def each_called(things: Iterable[tuple[str, T]], act: Callable[[T], str]) -> int:
    """The same with whatever is called something."""
    code = 0
    for name, thing in things:
        try:
            print(f"{name}: {act(thing)}", flush=True)
        except CcmuxError as error:
            print(f"ccmux: {name}: {error}", file=sys.stderr)
            code = code or error.exit_code
    return code


def order(instances: list[InstancePaths], op: str, done: str) -> int:
    """Have the daemon of each do it."""

    def act(paths: InstancePaths) -> str:
        with Client(paths, _ORDERED_WITHIN) as client:
            client.ask(_ORDERED_WITHIN, op=op)
        return done

    return each(instances, act)
