"""Which apps are told what: an Events API payload for each app that subscribed and whose bot is there."""

from __future__ import annotations

import copy

from tests.fakes.slack.courier import Courier
from tests.fakes.slack.values import Bot, Channel, Json, Message
from tests.fakes.slack.world import World

OF_KIND = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


class Feed:
    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    def message(self, channel: Channel, event: Json, *, author: str = "") -> None:
        """A message event, to the author's own app too. A mention comes a second time as `app_mention`, before or after."""
        event = {"type": "message", "channel": channel.id, "channel_type": channel.kind, **event}
        event.setdefault("event_ts", event["ts"])
        for bot in self._present(channel):
            told = [(OF_KIND[channel.kind], event)]
            new = event.get("subtype") in {None, "file_share", "thread_broadcast"}
            mentioned = new and f"<@{bot.user.id}>" in event.get("text", "") and author != bot.user.id
            if mentioned and channel.kind != "im":
                plain = {name: value for name, value in event.items() if name not in {"channel_type", "subtype"}}
                told.append(("app_mention", {**plain, "type": "app_mention"}))
                if self._courier.faults.coin():
                    told.reverse()
            for subscription, one in told:
                if subscription in bot.app.events:
                    self._tell(bot, one)

    def posted(self, channel: Channel, message: Message) -> None:
        self.message(channel, message.data, author=message.data.get("user", ""))

    def changed(self, channel: Channel, new: Message, old: Json) -> None:
        ts = self._world.new_ts()
        told = {"subtype": "message_changed", "hidden": True, "message": new.data, "previous_message": old, "ts": ts}
        self.message(channel, told)

    def deleted(self, channel: Channel, old: Json) -> None:
        ts = self._world.new_ts()
        told = {
            "subtype": "message_deleted",
            "hidden": True,
            "deleted_ts": old["ts"],
            "previous_message": old,
            "ts": ts,
        }
        self.message(channel, told)

    def other(self, channel: Channel, event: Json) -> None:
        """An event of another type (reaction_added ...) to the apps that are in the channel."""
        event = {**event, "event_ts": self._world.new_ts()}
        for bot in self._present(channel):
            if event["type"] in bot.app.events:
                self._tell(bot, event)

    def _present(self, channel: Channel) -> list[Bot]:
        return [bot for bot in self._world.bots_of(channel.team) if bot.user.id in channel.members]

    def _tell(self, bot: Bot, event: Json) -> None:
        """The payload is a copy: what is edited later does not change what is on its way."""
        payload = {
            "token": "legacy-verification-token",
            "team_id": bot.team.id,
            "context_team_id": bot.team.id,
            "api_app_id": bot.app.id,
            "event": copy.deepcopy(event),
            "type": "event_callback",
            "event_id": self._world.new_id("Ev"),
            "event_time": int(self._world.now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": bot.team.id,
                    "user_id": bot.user.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{self._world.new_id('EC')}",
        }
        self._courier.send_event(bot.app, payload)
