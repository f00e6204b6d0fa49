"""What a Slack is made of: teams, people, apps, bots, channels, messages, files, tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["channel", "group", "im", "mpim"]

SCOPES = frozenset(
    {
        *("app_mentions:read", "assistant:write", "chat:write", "commands", "files:read", "files:write"),
        *("channels:history", "groups:history", "im:history", "mpim:history"),
        *("channels:read", "groups:read", "im:read", "mpim:read"),
        *("channels:manage", "groups:write", "im:write", "mpim:write", "channels:join"),
        *("reactions:read", "reactions:write", "users:read"),
    }
)
EVENTS = frozenset(
    {
        *("message.channels", "message.groups", "message.im", "message.mpim"),
        *("reaction_added", "reaction_removed", "member_joined_channel"),
    }
)


class Refusal(Exception):
    """An answer with `ok: false`; `more` are its other fields."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


@dataclass(eq=False)
class Team:
    id: str
    name: str


@dataclass(eq=False)
class User:
    id: str
    team: Team
    name: str
    bot_id: str = ""


@dataclass(eq=False)
class App:
    """One app; its bots, one per team, share its sockets, events and commands."""

    id: str
    name: str
    token: str
    events: set[str] = field(default_factory=lambda: set(EVENTS))
    commands: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Bot:
    """An app as installed in one team."""

    id: str
    app: App
    team: Team
    user: User
    token: str

    @property
    def app_token(self) -> str:
        return self.app.token


@dataclass(eq=False)
class Grant:
    """A token; `trouble` is the error that it meets from now on (invalid_auth, token_revoked, account_inactive)."""

    token: str
    app: App
    bot: Bot | None
    scopes: set[str]
    trouble: str = ""


@dataclass(eq=False)
class Message:
    """`data` is what all see; what only `include_all_metadata` shows is apart. Not seen by readers until `visible`."""

    data: Json
    metadata: Json | None = None
    visible_at: float = 0.0
    blind_reads: int = 0

    @property
    def ts(self) -> str:
        return str(self.data["ts"])

    @property
    def thread(self) -> str:
        """The ts of the thread's root; empty for a message that is in none, or is a root itself."""
        thread = str(self.data.get("thread_ts", ""))
        return "" if thread == self.ts else thread


@dataclass(eq=False)
class Channel:
    id: str
    team: Team
    name: str
    kind: Kind
    members: set[str]
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    last_post: float = float("-inf")


@dataclass(eq=False)
class File:
    id: str
    team: Team
    user: str
    name: str
    size: int
    ticket: str
    title: str = ""
    content: bytes | None = None
    shares: dict[str, list[str]] = field(default_factory=dict)
