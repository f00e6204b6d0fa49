"""What can be done to messages, whoever does it: done to the world, and told to the apps."""

from __future__ import annotations

import copy
import re
from typing import Any

from tests.fakes.slack.feed import Feed
from tests.fakes.slack.ledger import Ledger, Post
from tests.fakes.slack.values import Bot, Channel, File, Json, Message, Refusal, User
from tests.fakes.slack.world import World


class Acts:
    """`lag_seconds` and `lag_reads`: history shows a post made from now on only that much later."""

    def __init__(self, world: World, feed: Feed, ledger: Ledger, monotonic: Any) -> None:
        self.world = world
        self.lag_seconds = 0.0
        self.lag_reads = 0
        self._feed = feed
        self._ledger = ledger
        self._monotonic = monotonic

    def post(
        self,
        channel: Channel,
        author: User | Bot,
        text: str,
        *,
        thread_ts: str = "",
        metadata: Json | None = None,
        **more: Any,
    ) -> Message:
        if channel.archived:
            raise Refusal("is_archived")
        root = self.world.message(channel, thread_ts, "thread_not_found") if thread_ts else None
        if root is not None and root.thread:
            root = self.world.message(channel, root.thread, "thread_not_found")
        ts = self.world.new_ts()
        data: Json = {"type": "message", "ts": ts, "text": text, "team": channel.team.id, **_signed(author), **more}
        if root is not None:
            data |= {"thread_ts": root.ts, "parent_user_id": root.data.get("user")}
        visible = self._monotonic() + self.lag_seconds
        message = Message({k: v for k, v in data.items() if v is not None}, metadata, visible, self.lag_reads)
        channel.messages[ts] = message
        if root is not None:
            self._count_replies(channel, root)
        if isinstance(author, Bot):
            self._ledger.posts.append(Post(channel.id, author.id, ts, copy.deepcopy(message.data), metadata))
        self._ledger.changed()
        self._feed.posted(channel, message)
        return message

    def edit(self, channel: Channel, message: Message, editor: str, **changes: Any) -> None:
        old = copy.deepcopy(message.data)
        message.data |= changes
        message.data["edited"] = {"user": editor, "ts": self.world.new_ts()}
        self._ledger.changed()
        self._feed.changed(channel, message, old)

    def delete(self, channel: Channel, message: Message) -> None:
        """A root that has replies stays as a tombstone, as in Slack."""
        old = copy.deepcopy(message.data)
        if message.data.get("reply_count"):
            for gone in {"blocks", "files", "bot_id", "app_id", "bot_profile", "edited", "reactions"} & set(
                message.data
            ):
                del message.data[gone]
            message.data |= {"text": "This message was deleted.", "subtype": "tombstone", "user": "USLACKBOT"}
            message.metadata = None
            self._feed.changed(channel, message, old)
        else:
            del channel.messages[message.ts]
            self._feed.deleted(channel, old)
            if message.thread and message.thread in channel.messages:
                self._count_replies(channel, channel.messages[message.thread])
        self._ledger.changed()

    def react(self, channel: Channel, message: Message, user: User, name: str, *, add: bool) -> None:
        reactions: list[Json] = message.data.get("reactions", [])
        found = next((one for one in reactions if one["name"] == name), None)
        if add and found is not None and user.id in found["users"]:
            raise Refusal("already_reacted")
        if not add and (found is None or user.id not in found["users"]):
            raise Refusal("no_reaction")
        if found is None:
            found = {"name": name, "users": [], "count": 0}
            reactions = [*reactions, found]
        found["users"] = [*found["users"], user.id] if add else [u for u in found["users"] if u != user.id]
        found["count"] = len(found["users"])
        message.data["reactions"] = [one for one in reactions if one["users"]]
        if not message.data["reactions"]:
            del message.data["reactions"]
        self._ledger.changed()
        item = {"type": "message", "channel": channel.id, "ts": message.ts}
        event = {
            "type": "reaction_added" if add else "reaction_removed",
            "user": user.id,
            "reaction": name,
            "item": item,
        }
        self._feed.other(channel, {**event, "item_user": message.data.get("user")})

    def share(self, channel: Channel, author: User | Bot, files: list[Json], text: str, **more: Any) -> Message:
        """Post files; `files` as Slack shows them. A bot's text may come with blocks."""
        message = self.post(channel, author, text, files=files, upload=True, subtype="file_share", **more)
        for shown in files:
            file = self.world.files[shown["id"]]
            file.shares.setdefault(channel.id, []).append(message.ts)
        return message

    def join(self, channel: Channel, user: User) -> None:
        channel.members.add(user.id)
        self._ledger.changed()
        self._feed.other(channel, {"type": "member_joined_channel", "user": user.id, "channel": channel.id})

    def _count_replies(self, channel: Channel, root: Message) -> None:
        replies = [m for m in channel.messages.values() if m.thread == root.ts]
        if not replies:
            for gone in {"reply_count", "reply_users", "reply_users_count", "latest_reply", "thread_ts"} & set(
                root.data
            ):
                del root.data[gone]
            return
        users = list(dict.fromkeys(m.data.get("user", "") for m in replies))
        counts = {"reply_count": len(replies), "reply_users": users, "reply_users_count": len(users)}
        root.data |= {"thread_ts": root.ts, "latest_reply": replies[-1].ts, **counts}


def _signed(author: User | Bot) -> Json:
    if isinstance(author, User):
        return {"user": author.id}
    profile = {"id": author.id, "app_id": author.app.id, "name": author.app.name, "team_id": author.team.id}
    bot = {"bot_id": author.id, "app_id": author.app.id, "bot_profile": {**profile, "deleted": False}}
    return {"user": author.user.id, **bot}


def shown(file: File, url: str) -> Json:
    """A file as the API and events show it; `url` is of the stand-in."""
    kind = file.name.rsplit(".", 1)[-1].lower() if "." in file.name else "text"
    mime = {"png": "image/png", "jpg": "image/jpeg", "pdf": "application/pdf", "txt": "text/plain"}
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", file.name).lower()
    private = f"{url}/files-pri/{file.team.id}-{file.id}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": mime.get(kind, "application/octet-stream"),
        "filetype": kind,
        "user": file.user,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "url_private": f"{private}/{safe}",
        "url_private_download": f"{private}/download/{safe}",
    }
