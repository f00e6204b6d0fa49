"""Which gateway is meant; and how its configuration is changed, and the service asked for names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import click
from click.shell_completion import CompletionItem

from ccmux.errors import GatewayError, UsageError
from ccmux.gateways import config, directory, kinds
from ccmux.gateways.config import DIRECT, GatewaySpec
from ccmux.gateways.directory import Directory, Found
from ccmux.gateways.home import Home, homes
from ccmux.locks import lock_briefly

T = TypeVar("T")
SETUP: Final = "ccmux slack setup"
_ANSWERS_WITHIN: Final = 60.0


class GatewayName(click.types.StringParamType):
    """Checked by the verb itself."""

    name = "gateway"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Those that were set up."""
        return [CompletionItem(home.name) for home in homes() if home.name.startswith(incomplete)]


GATEWAY = GatewayName()
WHICH = click.option(
    "--gateway", "which", default="", type=GATEWAY, metavar="G", help="Which, where there are several."
)


def existing(name: str) -> Home:
    """The home of a gateway that was set up."""
    home = Home(name)
    if not home.config.exists():
        if home.kind not in kinds.names():
            known = ", ".join(kinds.names()) or "none"
            raise UsageError(f"there is no kind of gateway called {home.kind}", fix=f"one of these: {known}")
        from ccmux.cli.group import VERBS

        setup = f"ccmux {home.kind} setup{f' {home.own}' if home.own else ''}"
        by_hand = f"write {home.config} (docs/CONFIG.md)"
        raise UsageError(f"the gateway {name} was never set up", fix=setup if home.kind in VERBS else by_hand)
    return home


def for_instance(which: str, instance: str) -> Home:
    """Where a room of the instance is to be bound: the one named, its own, or the only one that is no instance's own."""
    if which:
        home = existing(which)
        if home.own not in ("", instance):
            raise UsageError(f"{which} is the own account of {home.own}", fix="ccmux gateway ls")
        return home
    found = homes()
    own = [home for home in found if home.own == instance]
    return _one(own or [home for home in found if not home.own])


def the_one(which: str) -> Home:
    """The one named, or the only one."""
    return existing(which) if which else _one(homes())


def bound(which: str, instance: str) -> list[tuple[Home, GatewaySpec]]:
    """Those that have a room of the instance. Raises UsageError when none has."""
    all_of_them = [(home, config.read(home.config)) for home in ([existing(which)] if which else homes())]
    found = [(home, spec) for home, spec in all_of_them if spec.of_instance(instance) is not None]
    if not found:
        raise UsageError(f"{instance} is bound to no room", fix=f"ccmux channel bind {instance} ROOM")
    return found


def change(home: Home, to: Callable[[GatewaySpec], GatewaySpec]) -> GatewaySpec:
    """Change what `gateway.toml` says, alone; what it says then. A running gateway reads it by itself."""
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_briefly(home.path / "config.lock"):
        spec = to(config.read(home.config))
        config.change(home.config, spec)
    return spec


def room(home: Home, word: str, *, make: bool = False) -> Found:
    """The room that a person means by `#name`, an id, or `direct`."""
    if word == DIRECT or not (directory.known(home) or word.startswith("#")):
        return Found(word)
    try:
        return asked(home, lambda names: names.room(word, make=make))
    except GatewayError as error:
        if word.startswith("#") or make:
            raise
        return Found(word, todo=f"(it could not be looked up: {error.what})")


def ids_of(home: Home, words: tuple[str, ...]) -> tuple[str, ...]:
    """As `users`, where each that is no `@name` must look like an id of the service. Raises UsageError."""
    if directory.known(home):
        names = directory.of(home)
        wrong = next((word for word in words if not word.startswith("@") and not names.is_id(word)), "")
        asyncio.run(names.close())
        if wrong:
            raise UsageError(f"{wrong[:60]!a} is no id of {home.kind}", fix=f"say its id, or of a person @{wrong[:60]}")
    return users(home, words)


def users(home: Home, words: tuple[str, ...]) -> tuple[str, ...]:
    """Ids of people, of whom some are given as `@name`."""

    async def ids(names: Directory) -> tuple[str, ...]:
        return tuple([await names.user(word[1:]) if word.startswith("@") else word for word in words])

    if not any(word.startswith("@") for word in words):
        return words
    return asked(home, ids)


def asked(home: Home, question: Callable[[Directory], Coroutine[Any, Any, T]]) -> T:
    """The answer of the service's directory."""

    async def ask() -> T:
        names = directory.of(home)
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                return await question(names)
        except TimeoutError:
            raise GatewayError(f"{home.kind} does not answer", fix=f"ccmux gateway {home.name} shows it") from None
        finally:
            await names.close()

    return asyncio.run(ask())


def _one(found: list[Home]) -> Home:
    if not found:
        raise UsageError("no gateway was set up", fix=SETUP)
    if len(found) > 1:
        raise UsageError("there are several gateways", fix=f"--gateway {' or '.join(home.name for home in found)}")
    return found[0]
