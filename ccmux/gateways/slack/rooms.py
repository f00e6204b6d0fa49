"""Channels and people by name, for the verbs and for what Claude reads."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ccmux import steady
from ccmux.errors import GatewayError, Rejected, Undeliverable, UsageError
from ccmux.gateways.slack.api import Api

_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{2,30}")
_NAME: Final = re.compile(r"[^\s#,.!?@:'\"]{1,80}")
_KEPT: Final = 3600.0
_MISSED: Final = 300.0
_MOST: Final = 5_000


class Channel(msgspec.Struct, frozen=True):
    """One conversation as Slack tells it."""

    id: str
    name: str
    member: bool = False
    """the app is in it"""
    private: bool = False
    archived: bool = False


def is_id(word: str) -> bool:
    """Whether it looks like the id of a conversation."""
    return _CHANNEL.fullmatch(word) is not None


async def find(api: Api, name: str) -> Channel | None:
    """By `#name` or id. Raises UsageError for what can be neither, or a GatewayError."""
    wanted = name.removeprefix("#")
    if is_id(wanted) and not name.startswith("#"):
        return await info(api, wanted)
    if not _NAME.fullmatch(wanted):
        raise UsageError(
            f"{name[:60]!a} cannot name a channel", fix="say #name, or the id at the end of the channel's details"
        )
    listed = {"types": "public_channel,private_channel", "exclude_archived": True, "limit": 999}
    async for page in api.pages("conversations_list", "channels", **listed):
        for one in page:
            if one.get("name") == wanted.lower() or one.get("name") == wanted:
                return _channel(one)
    return None


async def info(api: Api, room: str) -> Channel | None:
    """By id; None where there is none that we may know of."""
    try:
        told = await api.call("conversations_info", harmless=True, channel=room)
    except Undeliverable:
        return None
    return _channel(told.get("channel") or {})


async def create(api: Api, name: str, *, private: bool = False) -> Channel:
    """A new channel that the app is in. Raises Undeliverable (`name_taken`, …) or Rejected, which names the scope."""
    told = await api.call(
        "conversations_create", harmless=True, name=name.removeprefix("#").lower(), is_private=private
    )
    return _channel({**(told.get("channel") or {}), "is_member": True})


async def join(api: Api, channel: Channel) -> Channel:
    """A public one. Raises Undeliverable for a private one: there the app must be invited."""
    if channel.member:
        return channel
    if channel.private:
        raise Undeliverable(f"#{channel.name} is private", fix="type /invite @NAME there, with the app's name")
    told = await api.call("conversations_join", harmless=True, channel=channel.id)
    return _channel({**(told.get("channel") or {}), "is_member": True})


async def enter(api: Api, name: str) -> Channel:
    """Find or create, and join."""
    found = await find(api, name)
    return await join(api, found) if found is not None else await create(api, name)


async def person(api: Api, name: str) -> str:
    """The id of `@name` (or of who has that e-mail's name as handle); empty where there is none."""
    wanted = name.removeprefix("@").lower()
    async for page in api.pages("users_list", "members"):
        for one in page:
            profile = one.get("profile") if isinstance(one.get("profile"), dict) else {}
            called = (one.get("name"), profile.get("display_name") if profile else "")
            if not one.get("deleted") and wanted in [str(each or "").lower() for each in called]:
                return str(one.get("id") or "")
    return ""


class Names:
    """Names of people, remembered for an hour. They are data, and never decide anything."""

    def __init__(self, api: Api, patience: float) -> None:
        self._api = api
        self._patience = patience
        self._known: dict[str, tuple[float, str]] = {}

    async def of(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Those that are known within the patience."""
        wanted = list(dict.fromkeys(ids))[:20]
        ask = [one for one in wanted if self._known.get(one, (0.0, ""))[0] < steady.now()]
        if ask:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await asyncio.gather(*(self._ask(one) for one in ask))
        return {one: self._known[one][1] for one in wanted if one in self._known and self._known[one][1]}

    async def _ask(self, user: str) -> None:
        if len(self._known) > _MOST:
            self._known.clear()
        self._known[user] = (steady.now() + _MISSED, self._known.get(user, (0.0, ""))[1])
        try:
            told = await self._api.call("users_info", harmless=True, user=user)
        except (GatewayError, Rejected):
            return
        one = told.get("user") or {}
        profile = one.get("profile") or {}
        name = profile.get("display_name") or one.get("real_name") or one.get("name") or ""
        self._known[user] = (steady.now() + _KEPT, "".join(c for c in str(name) if c.isprintable())[:80])


def _channel(told: Mapping[str, Any]) -> Channel:
    return Channel(
        id=str(told.get("id") or ""),
        name="".join(letter for letter in str(told.get("name") or "") if letter.isprintable())[:80],
        member=bool(told.get("is_member") or told.get("is_im") or told.get("is_mpim")),
        private=bool(told.get("is_private")),
        archived=bool(told.get("is_archived")),
    )
