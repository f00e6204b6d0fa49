"""Tries both tokens before anything relies on them: slack_sdk would try a wrong one for ever and tell nobody."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ccmux.errors import NotNow, Rejected, Undeliverable
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.manifest import APP_SCOPES, NEEDED, SCOPES
from ccmux.gateways.slack.outcome import SETUP


class Account(msgspec.Struct, frozen=True):
    """As whom we are at Slack."""

    team: str
    team_name: str
    user: str
    """the bot's user id"""
    bot: str
    """its bot id: some messages name only that"""
    name: str
    lacks: tuple[str, ...] = ()
    """scopes that we can do without"""

    def __str__(self) -> str:
        return f"@{self.name} in {self.team_name} ({self.team})"


async def account(api: Api) -> Account:
    """Who the bot token is. Raises Rejected, which names a scope that is missing; NotNow."""
    told, headers = await api.call_with_headers("auth_test", harmless=True)
    found = Account(
        team=_id(told, "team_id"),
        team_name=_id(told, "team"),
        user=_id(told, "user_id"),
        bot=_id(told, "bot_id"),
        name=_id(told, "user"),
    )
    if not (found.team and found.user and found.bot):
        raise Rejected("SLACK_BOT_TOKEN is not that of a bot", fix=SETUP)
    granted = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")} - {""}
    lacks = [scope for scope in SCOPES if granted and scope not in granted]
    missing = [scope for scope in lacks if scope in NEEDED]
    if missing:
        raise Rejected(
            f"the app lacks the scope {', '.join(missing)} ({NEEDED[missing[0]]})",
            fix="add it on api.slack.com/apps (OAuth & Permissions), then install the app again",
        )
    return msgspec.structs.replace(found, lacks=tuple(lacks))


async def ticket(api: Api) -> str:
    """The address of one socket, good for one handshake. Raises Rejected or NotNow."""
    try:
        told = await api.call("apps_connections_open", harmless=True, app_token=api.tokens.app)
    except Undeliverable as error:
        fix = "switch Socket Mode on (api.slack.com/apps, Socket Mode), then ccmux gateway restart slack"
        raise Rejected(f"there is no Socket Mode for this app: {error.what}", fix=fix) from None
    except Rejected as error:
        scope = next(iter(APP_SCOPES))
        fix = f"make an app-level token with {scope} (api.slack.com/apps, Basic Information), then {SETUP}"
        raise Rejected(f"SLACK_APP_TOKEN: {error.what}", fix=fix) from None
    url = _id(told, "url", 2000)
    if not url.startswith("wss://") and not (api.loopback and url.startswith("ws://127.0.0.1:")):
        raise NotNow("Slack gave no address of a socket")
    return url


def _id(told: Mapping[str, object], key: str, most: int = 200) -> str:
    return "".join(letter for letter in str(told.get(key) or "") if letter.isprintable())[:most]
