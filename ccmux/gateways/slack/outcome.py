"""What an error of the Web API means: never, not now, nobody knows, or not with these credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError

from ccmux.errors import GatewayError, NotNow, Rejected, Undeliverable, Unsure

SETUP: Final = "ccmux slack setup"
_CREDENTIALS: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
_FORM: Final = frozenset(
    {"invalid_attachments", "invalid_blocks", "invalid_blocks_format", "invalid_metadata_format", "msg_blocks_too_long"}
)
_PASSING: Final = frozenset(
    {"accesslimited", "rate_limited", "ratelimited", "team_added_to_org", "message_limit_exceeded"}
)
_UNKNOWN: Final = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_unavailable"}
)
_INVITE: Final = "invite the app: type /invite @NAME in that channel"
_MENDS: Final = {
    "not_in_channel": _INVITE,
    "channel_not_found": f"{_INVITE} (or the channel is gone: ccmux channel ls)",
    "is_archived": "unarchive the channel, or bind another: ccmux channel bind",
    "restricted_action": "let the app post there: the channel's settings, or an admin of the workspace",
}
_DEFAULT_WAIT: Final = 30.0
_TOO_MANY: Final = 429
_SERVER: Final = 500


class MissingScope(Rejected):
    """The app was installed without a right that this call needs."""


def outcome(error: Exception, method: str, *, harmless: bool) -> GatewayError:
    """`harmless`: doing it twice is as doing it once, so that a doubt is no trouble."""
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, SlackApiError):
        return _answered(error.response, method, harmless=harmless)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL):
        return NotNow(f"Slack cannot be reached: {type(error).__name__}", everywhere=True)
    return _doubt(f"{method}: {type(error).__name__}", harmless=harmless)


def code(response: object) -> str:
    """The `error` of an answer, if it is one."""
    return re.sub(r"[^a-z0-9_]", "", str(_data(response).get("error", "")))[:60]


def _data(response: object) -> Mapping[str, object]:
    data = getattr(response, "data", None)
    return data if isinstance(data, Mapping) else {}


def _answered(response: object, method: str, *, harmless: bool) -> GatewayError:
    status = getattr(response, "status_code", getattr(response, "status", 0))
    what, data = code(response), _data(response)
    headers = getattr(response, "headers", None) or {}
    if status == _TOO_MANY or what in _PASSING:
        return NotNow(f"{method}: Slack asks us to wait", after=_seconds(headers.get("Retry-After")))
    if what in _UNKNOWN or status >= _SERVER or not what:
        return _doubt(f"{method}: {what or f'HTTP {status}'}", harmless=harmless)
    if what in _CREDENTIALS:
        return _rejected(what, data.get("needed"))
    if what in _FORM:
        return Undeliverable(f"{method}: Slack does not take the form of it: {what}", plain=True)
    return Undeliverable(f"{method}: Slack refused it: {what}", fix=_MENDS.get(what, ""))


def _rejected(what: str, needed: object) -> Rejected:
    if needed:
        scope = re.sub(r"[^a-z0-9_:,.]", "", str(needed))[:200]
        fix = f"add the scope {scope} on api.slack.com/apps (OAuth & Permissions), then install the app again"
        return MissingScope(f"Slack misses the scope {scope}", fix=fix)
    return Rejected(f"Slack does not take our token: {what}", fix=SETUP)


def _doubt(what: str, *, harmless: bool) -> GatewayError:
    return (
        NotNow(f"it may have happened, and is done again: {what}")
        if harmless
        else Unsure(f"it may have happened: {what}")
    )


def _seconds(value: object) -> float:
    try:
        return min(max(float(str(value)), 1.0), 3600.0)
    except ValueError:
        return _DEFAULT_WAIT
