"""A person at Slack's own client: posts, edits, presses buttons, gives commands."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.fakes.slack import blocks
from tests.fakes.slack.acts import shown
from tests.fakes.slack.values import Bot, Channel, File, Json, Message, Refusal, User

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

KEPT = re.compile(r"(<[@#!][^<>]+>|https?://[^\s<>]+)")


def as_sent(text: str) -> str:
    """The text as Slack's client hands it over: & < > escaped, links in brackets, mentions (`<@U1>`) left alone."""
    parts = KEPT.split(text)
    for place, part in enumerate(parts):
        escaped = part.replace("&", "&amp;")
        if place % 2 == 0:
            parts[place] = escaped.replace("<", "&lt;").replace(">", "&gt;")
        elif not part.startswith("<"):
            parts[place] = f"<{escaped}>"
    return "".join(parts)


class Person:
    def __init__(self, slack: FakeSlack, user: User) -> None:
        self.user = user
        self._slack = slack

    @property
    def id(self) -> str:
        return self.user.id

    def post(
        self, channel: Channel, text: str, thread_ts: str = "", files: Iterable[tuple[str, bytes]] = ()
    ) -> Message:
        self._inside(channel)
        acts, sent = self._slack.acts, as_sent(text)
        looks = [self._upload(name, content) for name, content in files]
        if looks:
            return acts.share(channel, self.user, looks, sent, thread_ts=thread_ts)
        section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
        rich = [{"type": "rich_text", "block_id": self._slack.world.new_id("b"), "elements": [section]}]
        return acts.post(channel, self.user, sent, thread_ts=thread_ts, client_msg_id=str(uuid.uuid4()), blocks=rich)

    def edit(self, channel: Channel, message: Message, text: str) -> None:
        self._slack.acts.edit(channel, message, self.id, text=as_sent(text))

    def delete(self, channel: Channel, message: Message) -> None:
        self._slack.acts.delete(channel, message)

    def react(self, channel: Channel, message: Message, name: str) -> None:
        self._slack.acts.react(channel, message, self.user, name, add=True)

    def unreact(self, channel: Channel, message: Message, name: str) -> None:
        self._slack.acts.react(channel, message, self.user, name, add=False)

    def dm(self, bot: Bot, text: str, thread_ts: str = "") -> Message:
        return self.post(self.conversation(bot), text, thread_ts)

    def conversation(self, *others: Bot | Person) -> Channel:
        """The direct conversation with one other, or a group's."""
        ids = {other.user.id for other in others}
        return self._slack.world.direct(self.user.team, {self.id, *ids})[0]

    def join(self, channel: Channel) -> None:
        self._slack.acts.join(channel, self.user)

    def press(self, channel: Channel, ts: str, action_id: str, *, stale: bool = False) -> str:
        """Press a button of a bot's message, and give the trigger_id; `stale`: one that an edit has since taken away."""
        self._inside(channel)
        message = self._pressable(channel, ts)
        seen = message
        if stale:
            seen = next(post.message for post in self._slack.ledger.posts if post.ts == ts)
        holders = [b for b in seen.get("blocks", []) for e in blocks.buttons([b]) if e["action_id"] == action_id]
        if not holders:
            raise Refusal("no_such_button")
        button = next(e for e in blocks.buttons(holders) if e["action_id"] == action_id)
        now = self._slack.world.new_ts()
        action = {key: value for key, value in button.items() if key in {"action_id", "text", "value", "style", "type"}}
        ephemeral = ts not in channel.messages
        container: Json = {"type": "message", "message_ts": ts, "channel_id": channel.id, "is_ephemeral": ephemeral}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        app = self._slack.world.apps[message["app_id"]]
        trigger_id, response_url = self._slack.new_trigger(app, channel, ts)
        payload: Json = {
            "type": "block_actions",
            "user": {"id": self.id, "username": self.user.name, "name": self.user.name, "team_id": self.user.team.id},
            "api_app_id": app.id,
            "token": "legacy-verification-token",
            "container": container,
            "trigger_id": trigger_id,
            "team": {"id": self.user.team.id, "domain": self.user.team.name},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel.id, "name": "directmessage" if channel.kind == "im" else channel.name},
            **({} if ephemeral else {"message": dict(message)}),
            "state": {"values": {}},
            "response_url": response_url,
            "actions": [{**action, "block_id": holders[0]["block_id"], "action_ts": now}],
        }
        self._slack.courier.send_once(app, "interactive", payload)
        return trigger_id

    def slash(self, command: str, text: str, channel: Channel) -> str:
        """Give a command that some app of the team registered, and give the trigger_id."""
        bots = self._slack.world.bots_of(channel.team)
        app = next((bot.app for bot in bots if command in bot.app.commands), None)
        if app is None:
            raise Refusal("no_such_command")
        trigger_id, response_url = self._slack.new_trigger(app, channel, "")
        payload = {
            "token": "legacy-verification-token",
            "team_id": channel.team.id,
            "team_domain": channel.team.name,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.kind == "im" else channel.name,
            "user_id": self.id,
            "user_name": self.user.name,
            "command": command,
            "text": text,
            "api_app_id": app.id,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": trigger_id,
        }
        self._slack.courier.send_once(app, "slash_commands", payload)
        return trigger_id

    def _pressable(self, channel: Channel, ts: str) -> Json:
        if ts in channel.messages:
            return channel.messages[ts].data
        mine = [e for e in self._slack.ledger.ephemerals if e["ts"] == ts and e["user"] == self.id]
        if not mine:
            raise Refusal("message_not_found")
        return mine[0]

    def _inside(self, channel: Channel) -> None:
        if self.id not in channel.members:
            raise Refusal("not_in_channel")

    def _upload(self, name: str, content: bytes) -> Json:
        world = self._slack.world
        file = File(world.new_id("F"), self.user.team, self.id, name, len(content), uuid.uuid4().hex, name, content)
        world.files[file.id] = file
        return shown(file, self._slack.url)
