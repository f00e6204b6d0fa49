"""Reads what was said in a room or a thread, oldest first."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ccmux.errors import NotNow
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.events import order, ts
from ccmux.gateways.slack.pace import Pace

_TRIES: Final = 5
_PAGES: Final = 100
_TOP: Final = "conversations_history"


class Reader:
    """Slack allows about 50 readings a minute: all of them share `pace`."""

    def __init__(self, api: Api, pace: Pace) -> None:
        self._api = api
        self._pace = pace

    async def since(self, room: str, after: str, thread: str = "") -> list[dict[str, Any]]:
        """Everything after that order (not included), of the room's top level or of one thread. Raises a GatewayError."""
        method = "conversations_replies" if thread else _TOP
        where: dict[str, Any] = {
            "channel": room,
            "oldest": ts(after),
            "inclusive": False,
            "include_all_metadata": True,  # else Slack leaves out what no manifest subscribes to
        }
        if thread:
            where["ts"] = thread
        found: dict[str, dict[str, Any]] = {}
        cursor = ""
        for _ in range(_PAGES):
            messages, cursor = await self._page(
                method, {**where, "limit": 200, **({"cursor": cursor} if cursor else {})}
            )
            for message in messages:
                at = order(str(message.get("ts", "")))
                if at > after:
                    found[at] = {**message, "channel": room}
            if not cursor:
                break
        else:
            self._api.log.warning("%s: more was said than is read back; the oldest of it is left out", room)
        return [found[at] for at in sorted(found)]

    async def newest(self, room: str) -> str:
        """The order of the last message; empty in an empty room."""
        messages, _ = await self._page(_TOP, {"channel": room, "limit": 1})
        return max((order(str(one.get("ts", ""))) for one in messages), default="")

    async def metadata(self, room: str, at: str, thread: str) -> dict[str, Any]:
        """What the history knows of one message besides its event: `{"metadata": …}`, or nothing. Raises a GatewayError."""
        where: dict[str, Any] = {"channel": room, "oldest": at, "latest": at, "inclusive": True, "limit": 2}
        method = _TOP if thread in ("", at) else "conversations_replies"
        if method != _TOP:
            where["ts"] = thread
        messages, _ = await self._page(method, {**where, "include_all_metadata": True})
        return next(
            ({"metadata": one["metadata"]} for one in messages if one.get("ts") == at and "metadata" in one), {}
        )

    async def _page(self, method: str, arguments: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        """One page; a limit of Slack's is waited for."""
        for left in reversed(range(_TRIES)):
            await self._pace.turn()
            try:
                data = await self._api.call(method, harmless=True, **arguments)
            except NotNow as error:
                if not left or not error.after:
                    raise
                await asyncio.sleep(error.after)
                continue
            following = str((data.get("response_metadata") or {}).get("next_cursor") or "")
            return [one for one in data.get("messages") or [] if isinstance(one, dict)], following
        raise NotNow(f"{method}: Slack asks us to wait")
