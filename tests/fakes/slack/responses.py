"""response_url: what an app sends back to a press or a command, five times at most."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakes.slack import blocks
from tests.fakes.slack.values import App, Channel, Json, Refusal

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack


@dataclass
class Place:
    """Where a response goes; `ts` is of the message whose button was pressed."""

    app: App
    channel: Channel
    ts: str
    left: int = 5


class Responses:
    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._places: dict[str, Place] = {}

    def open(self, app: App, channel: Channel, ts: str) -> str:
        name = uuid.uuid4().hex
        self._places[name] = Place(app, channel, ts)
        return name

    async def take(self, request: web.Request) -> web.Response:
        place = self._places.get(request.match_info["id"])
        if place is None or place.left == 0:
            return web.Response(status=404, text="used_url" if place else "no_such_url")
        place.left -= 1
        try:
            body: Json = await request.json()
            blocks.check(body.get("blocks"))
            self._do(place, body)
            self._slack.ledger.changed()
        except Refusal as refusal:
            return web.json_response({"ok": False, "error": refusal.error})
        return web.Response(text="ok")

    def _do(self, place: Place, body: Json) -> None:
        channel, acts = place.channel, self._slack.acts
        told = {"app_id": place.app.id, "channel": channel.id, "message_ts": place.ts, **body}
        self._slack.ledger.responses.append(told)
        message = channel.messages.get(place.ts)
        bot = next(b for b in self._slack.world.bots_of(channel.team) if b.app is place.app)
        content = {"text": body.get("text", "")}
        if body.get("blocks") is not None:
            content["blocks"] = blocks.named(body["blocks"], lambda: self._slack.world.new_id("b"))
        if body.get("delete_original"):
            self._delete(place)
        elif body.get("replace_original"):
            if message is not None:
                acts.edit(channel, message, bot.user.id, **content)
            for shown in self._ephemerals(place):
                shown.update(content)
        elif body.get("response_type") == "in_channel":
            acts.post(channel, bot, **content)
        else:
            self._slack.ledger.ephemerals.append({**content, "channel": channel.id, "app_id": place.app.id})

    def _delete(self, place: Place) -> None:
        message = place.channel.messages.get(place.ts)
        if message is not None:
            self._slack.acts.delete(place.channel, message)
        for shown in self._ephemerals(place):
            self._slack.ledger.ephemerals.remove(shown)

    def _ephemerals(self, place: Place) -> list[Json]:
        return [shown for shown in self._slack.ledger.ephemerals if shown.get("ts") == place.ts]
