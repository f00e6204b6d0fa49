"""The methods of the Web API by name, what each asks of a token, and what one call of them knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.fakes.slack.args import Args
from tests.fakes.slack.values import App, Bot, Channel, Grant, Json, Refusal

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

TokenKind = Literal["bot", "app"]


@dataclass(frozen=True)
class Call:
    slack: FakeSlack
    grant: Grant
    args: Args

    @property
    def bot(self) -> Bot:
        if self.grant.bot is None:
            raise Refusal("not_allowed_token_type")
        return self.grant.bot

    @property
    def app(self) -> App:
        return self.grant.app

    def need(self, scope: str) -> None:
        if scope not in self.grant.scopes:
            raise Refusal("missing_scope", needed=scope, provided=",".join(sorted(self.grant.scopes)))

    def channel(self, *, inside: bool = False) -> Channel:
        """The channel that `channel` names and the bot may know of; `inside`: of which it must be a member."""
        name = self.args.need("channel", "channel_not_found")
        channels = self.slack.world.channels
        found = channels.get(name) or next((c for c in channels.values() if c.name and f"#{c.name}" == name), None)
        if found is None or found.team is not self.bot.team:
            raise Refusal("channel_not_found")
        if self.bot.user.id not in found.members:
            if found.kind != "channel":
                raise Refusal("channel_not_found")
            if inside:
                raise Refusal("not_in_channel")
        return found


@dataclass(frozen=True)
class Method:
    run: Callable[[Call], Json]
    scopes: tuple[str, ...]
    token: TokenKind


METHODS: dict[str, Method] = {}


def method(
    name: str, *scopes: str, of: TokenKind = "bot"
) -> Callable[[Callable[[Call], Json]], Callable[[Call], Json]]:
    """Name a method; its token must have one of `scopes`, if there are any."""

    def keep(run: Callable[[Call], Json]) -> Callable[[Call], Json]:
        METHODS[name] = Method(run, scopes, of)
        return run

    return keep


def run(slack: FakeSlack, name: str, grant: Grant | None, args: Json) -> Json:
    """Carry a call out: Refusal for what Slack answers with `ok: false`."""
    if name not in METHODS:
        raise Refusal("unknown_method", req_method=name)
    if grant is None:
        raise Refusal("invalid_auth")
    if grant.trouble:
        raise Refusal(grant.trouble)
    found = METHODS[name]
    if name != "auth.test" and (grant.bot is None) != (found.token == "app"):
        raise Refusal("not_allowed_token_type")
    if found.scopes and not grant.scopes & set(found.scopes):
        raise Refusal("missing_scope", needed=",".join(found.scopes), provided=",".join(sorted(grant.scopes)))
    return {"ok": True, **found.run(Call(slack, grant, Args(args)))}
