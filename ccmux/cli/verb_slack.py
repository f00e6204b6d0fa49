"""`ccmux slack manifest|setup`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccmux.cli import render
from ccmux.cli.gateways import change
from ccmux.cli.instances import INSTANCE
from ccmux.errors import ConfigError, UsageError
from ccmux.gateways import binding
from ccmux.gateways.config import DIRECT, GatewaySpec
from ccmux.gateways.home import Home, homes

if TYPE_CHECKING:
    from ccmux.gateways.slack.tokens import Tokens

_KIND = "slack"
_PAGE = "https://api.slack.com/apps"


@click.group()
def command() -> None:
    """Set up a Slack app of your own; see docs/SLACK.md."""


@command.command()
@click.option("--name", default="ccmux", show_default=True, help="As the app is called in Slack.")
def manifest(name: str) -> int:
    """Print the app's manifest."""
    import json

    from ccmux.gateways.slack.manifest import manifest as made

    print(json.dumps(made(name), indent=2))
    print(
        f"Paste it at {_PAGE}: Create New App, From a manifest, your workspace, JSON. Then: ccmux slack setup",
        file=sys.stderr,
    )
    return 0


@command.command()
@click.argument("instance", required=False, default="", type=INSTANCE)
@click.option("--from-env", is_flag=True, help="Take the tokens from SLACK_BOT_TOKEN and SLACK_APP_TOKEN.")
def setup(instance: str, from_env: bool) -> int:
    """Try the two tokens of an app and keep them; with an instance, of its own app. Again: takes other tokens."""
    from ccmux.fleet import registry
    from ccmux.gateways.slack import tokens

    if instance:
        registry.existing(instance)
    home = Home(f"{_KIND}-{instance}" if instance else _KIND)
    found: Tokens | None = None if from_env else _of_the_instance(home)
    keep = found is None
    if found is None:
        bot, app = (os.environ.get(tokens.BOT, ""), os.environ.get(tokens.APP, "")) if from_env else _asked()
        found = _checked(bot, app)
    for other in homes():
        if other.kind == _KIND and other.name != home.name and _same_app(other, found):
            raise UsageError(
                f"{other.name} has that app already: two gateways would take messages from each other",
                fix=f"make another app ({_PAGE}), or ccmux gateway restart {other.name}",
            )
    account, team, lacks = asyncio.run(_tried(found))
    if keep:
        _keep(home, {tokens.BOT: found.bot, tokens.APP: found.app})

    def with_team(spec: GatewaySpec) -> GatewaySpec:
        spec = binding.allow(spec, [], to="users", teams=[team])
        return binding.bind(spec, DIRECT, instance) if instance and spec.of_instance(instance) is None else spec

    spec = change(home, with_team)
    print(f"{home.name}: both tokens are good: {render.plain(account)}")
    if keep:
        print(f"  kept in {home.env} (0600)")
    for scope in lacks:
        print(f"  without {scope}: ccmux slack manifest shows it; add it, and install the app again")
    _next(home, spec, instance)
    return 0


def _asked() -> tuple[str, str]:
    """Without an echo."""
    if not sys.stdin.isatty():
        raise UsageError("the tokens are asked for at a terminal", fix="ccmux slack setup --from-env")
    print(f"The app's two tokens, from {_PAGE} (docs/SLACK.md says where). Nothing is shown while you paste them.")
    bot = click.prompt("Bot User OAuth Token (xoxb-…)", hide_input=True, err=True)
    app = click.prompt("App-Level Token (xapp-…)", hide_input=True, err=True)
    return bot.strip(), app.strip()


def _checked(bot: str, app: str) -> Tokens:
    from ccmux.gateways.slack import tokens

    try:
        return tokens.checked(bot, app, Path("-"))
    except ConfigError as error:
        raise UsageError(error.what.removeprefix("-: "), fix="ccmux slack setup, with the right ones") from None


def _of_the_instance(home: Home) -> Tokens | None:
    """Those of an app of its own that stand in the instance's `.env`."""
    from ccmux.claude import envfile
    from ccmux.gateways.slack import tokens
    from ccmux.paths import InstancePaths

    if not home.own or envfile.load(home.env).get(tokens.BOT):
        return None
    values = envfile.load(InstancePaths.of(home.own).env)
    return tokens.load(home) if values.get(tokens.BOT) or values.get(tokens.APP) else None


def _same_app(other: Home, found: Tokens) -> bool:
    from ccmux.gateways.slack import tokens

    try:
        known = tokens.load(other)
    except ConfigError:
        return False
    return found.app == known.app or found.bot == known.bot


async def _tried(found: Tokens) -> tuple[str, str, tuple[str, ...]]:
    """As whom, in which team, without which scopes. Raises Rejected, which names a scope that is missing."""
    from ccmux.gateways.slack.api import Api
    from ccmux.gateways.slack.preflight import account, ticket

    api = Api(found)
    try:
        known = await account(api)
        await ticket(api)
    finally:
        await api.close()
    return str(known), known.team, known.lacks


def _keep(home: Home, values: dict[str, str]) -> None:
    from ccmux.claude import envfile
    from ccmux.files import write_private

    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(home.env, envfile.render(envfile.load(home.env) | values).encode())


def _next(home: Home, spec: GatewaySpec, instance: str) -> None:
    from ccmux.locks import held

    which = f" --gateway {home.name}" if len(homes()) > 1 else ""
    print("next:")
    print(f"  ccmux gateway {'restart' if held(home.lock) else 'start'} {home.name}")
    if not instance:
        print("  ccmux new NAME --slack '#room'      or   ccmux channel bind NAME '#room'")
    if not binding.heard(spec.access):
        print(f"  ccmux channel allow MEMBER_ID --operator{which}")
        print("    (yours: in Slack, your profile, the three dots, Copy member ID), or write to the app and say")
        print(f"  ccmux channel pair CODE --operator{which}")
