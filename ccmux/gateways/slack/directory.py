"""Slack's names, for people at the terminal."""

from __future__ import annotations

import re
from typing import Final

from ccmux.errors import GatewayError, Rejected, Undeliverable, UsageError
from ccmux.gateways.directory import Found
from ccmux.gateways.home import Home
from ccmux.gateways.slack import rooms, tokens
from ccmux.gateways.slack.api import REAL, Api
from ccmux.gateways.slack.preflight import account
from ccmux.gateways.slack.rooms import Channel

_ID: Final = re.compile(r"[A-Z][A-Z0-9]{1,30}")


class SlackDirectory:
    """A Directory."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def room(self, word: str, *, make: bool = False) -> Found:
        """A public channel that is there is joined; one that is not is made where that is wanted and the scopes allow it."""
        found = await rooms.find(self._api, word)
        if found is None:
            found = await self._made(word) if make and word.startswith("#") else None
        if found is None and word.startswith("#"):
            raise UsageError(f"there is no channel {word} that the app may see", fix=await self._invite(word))
        if found is None and not rooms.is_id(word):
            raise UsageError(f"there is no channel {word[:60]!a}", fix="say #name, or the id at the end of its details")
        if found is None:  # a private one may be there
            return Found(word, todo=f"the app does not see it (or the id is wrong): {await self._invite('it')}")
        if found.archived:
            raise UsageError(f"{_called(found)} is archived", fix="unarchive it in Slack, or take another")
        if found.member:
            return Found(found.id, _called(found))
        try:
            joined = await rooms.join(self._api, found)
        except (Undeliverable, Rejected):
            return Found(found.id, _called(found), todo=await self._invite(_called(found)))
        return Found(joined.id or found.id, _called(found))

    def is_id(self, word: str) -> bool:
        """In capitals, which no name has."""
        return _ID.fullmatch(word) is not None

    async def user(self, name: str) -> str:
        """Handles and display names are chosen by people: of two who are called alike, neither is taken."""
        wanted, ids = name.casefold(), set()
        async for page in self._api.pages("users_list", "members"):
            for one in page:
                profile = one.get("profile") or {}
                called = (one.get("name"), one.get("real_name"), profile.get("display_name"), profile.get("real_name"))
                if not one.get("deleted") and wanted in [str(each or "").casefold() for each in called]:
                    ids.add(str(one.get("id") or ""))
        ids -= {""}
        if len(ids) != 1:
            what = (
                f"{', '.join(sorted(ids))} are all called {name[:60]!a}" if ids else f"nobody is called {name[:60]!a}"
            )
            raise UsageError(what, fix="say the member ID: in Slack, the profile, the three dots, Copy member ID")
        return ids.pop()

    async def close(self) -> None:
        await self._api.close()

    async def _made(self, word: str) -> Channel | None:
        """None where the app may not."""
        try:
            return await rooms.create(self._api, word)
        except (Undeliverable, Rejected):
            return None

    async def _invite(self, where: str) -> str:
        try:
            name = (await account(self._api)).name
        except GatewayError:
            name = "ccmux"
        return f"type in {where} in Slack: /invite @{name}"


def make(home: Home, base_url: str = REAL) -> SlackDirectory:
    """Raises ConfigError where the tokens are not complete."""
    return SlackDirectory(Api(tokens.load(home), base_url))


def _called(one: Channel) -> str:
    return f"#{one.name}" if one.name else one.id
