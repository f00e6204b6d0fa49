"""All that a Slack knows, and the making of ids and timestamps."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable

from tests.fakes.slack.values import SCOPES, App, Bot, Channel, File, Grant, Kind, Message, Refusal, Team, User


class World:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.teams: dict[str, Team] = {}
        self.users: dict[str, User] = {}
        self.apps: dict[str, App] = {}
        self.bots: dict[str, Bot] = {}
        self.grants: dict[str, Grant] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self._clock = clock
        self._number = itertools.count(1)
        self._last = 0

    def new_id(self, letter: str) -> str:
        return f"{letter}0{next(self._number):08X}"

    def now(self) -> float:
        return self._clock()

    def new_ts(self) -> str:
        """Later than every other, in Slack's form: seconds, and six digits that tell one message of a second from another."""
        self._last = max(self._last + 100, int(self.now()) * 1_000_000 + 100)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def team(self, name: str) -> Team:
        team = Team(self.new_id("T"), name)
        self.teams[team.id] = team
        return team

    def user(self, team: Team, name: str, bot_id: str = "") -> User:
        user = User(self.new_id("U"), team, name, bot_id)
        self.users[user.id] = user
        return user

    def app(self, name: str, events: Iterable[str] | None = None, commands: Iterable[str] = ()) -> App:
        app_id = self.new_id("A")
        app = App(app_id, name, f"xapp-1-{app_id}-1-secret", commands=set(commands))
        if events is not None:
            app.events = set(events)
        self.apps[app.id] = app
        self.grants[app.token] = Grant(app.token, app, None, {"connections:write"})
        return app

    def install(self, app: App, team: Team, scopes: Iterable[str] = SCOPES) -> Bot:
        bot_id = self.new_id("B")
        user = self.user(team, app.name, bot_id)
        bot = Bot(bot_id, app, team, user, f"xoxb-{team.id}-{bot_id}-secret")
        self.bots[bot.id] = bot
        self.grants[bot.token] = Grant(bot.token, app, bot, set(scopes))
        return bot

    def bots_of(self, team: Team) -> list[Bot]:
        return [bot for bot in self.bots.values() if bot.team is team]

    def open_channel(self, team: Team, name: str, kind: Kind = "channel", members: Iterable[str] = ()) -> Channel:
        letter = {"channel": "C", "group": "C", "im": "D", "mpim": "G"}[kind]
        channel = Channel(self.new_id(letter), team, name, kind, set(members))
        self.channels[channel.id] = channel
        return channel

    def direct(self, team: Team, members: Iterable[str]) -> tuple[Channel, bool]:
        """The conversation of exactly these people, and whether it was there already."""
        wanted = set(members)
        for channel in self.channels.values():
            if channel.team is team and channel.kind in {"im", "mpim"} and channel.members == wanted:
                return channel, True
        if len(wanted) == 2:
            return self.open_channel(team, "", "im", wanted), False
        names = "--".join(sorted(self.users[user].name for user in wanted))
        return self.open_channel(team, f"mpdm-{names}-1", "mpim", wanted), False

    def message(self, channel: Channel, ts: str, error: str = "message_not_found") -> Message:
        if ts not in channel.messages:
            raise Refusal(error)
        return channel.messages[ts]
