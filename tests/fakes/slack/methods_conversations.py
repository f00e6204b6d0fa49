"""conversations.*, users.conversations."""

from __future__ import annotations

import re

from tests.fakes.slack.calls import Call, method
from tests.fakes.slack.paging import page, page_of_messages
from tests.fakes.slack.values import Channel, Json, Kind, Message, Refusal

OF_KIND: dict[Kind, str] = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
TYPES: dict[str, Kind] = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")


def described(call: Call, channel: Channel) -> Json:
    kind = channel.kind
    inside = call.bot.user.id in channel.members
    found: Json = {"id": channel.id, "is_archived": channel.archived, "context_team_id": channel.team.id}
    found |= {"is_channel": kind == "channel", "is_group": kind == "group", "is_im": kind == "im"}
    found |= {"is_mpim": kind == "mpim", "is_private": kind != "channel"}
    if kind == "im":
        other = sorted(channel.members - {call.bot.user.id})
        return {**found, "user": other[0] if other else call.bot.user.id}
    topic = {"topic": {"value": ""}, "purpose": {"value": ""}}
    return {**found, "name": channel.name, "name_normalized": channel.name, "is_member": inside, **topic}


def _visible(call: Call, rows: list[Message]) -> list[Message]:
    """Those that history shows by now; those that it does not have missed one more read."""
    now = call.slack.monotonic()
    shown = []
    for row in rows:
        if row.visible_at > now or row.blind_reads > 0:
            row.blind_reads = max(0, row.blind_reads - 1)
        else:
            shown.append(row)
    return shown


def _between(call: Call, rows: list[Message]) -> list[Message]:
    oldest, latest = call.args.text("oldest"), call.args.text("latest")
    for name, value in (("oldest", oldest), ("latest", latest)):
        if value and not re.fullmatch(r"\d+(\.\d+)?", value):
            raise Refusal(f"invalid_ts_{name}")
    inclusive = call.args.flag("inclusive")

    def fits(ts: str) -> bool:
        low = not oldest or _key(ts) > _key(oldest) or (inclusive and _key(ts) == _key(oldest))
        return low and (not latest or _key(ts) < _key(latest) or (inclusive and _key(ts) == _key(latest)))

    return [row for row in rows if fits(row.ts)]


def _key(ts: str) -> tuple[int, str]:
    seconds, _, rest = ts.partition(".")
    return int(seconds), rest.ljust(6, "0")


def _shown(call: Call, rows: list[Message]) -> list[Json]:
    everything = call.args.flag("include_all_metadata")
    return [{**r.data, "metadata": r.metadata} if everything and r.metadata is not None else r.data for r in rows]


@method("conversations.history", *HISTORY)
def history(call: Call) -> Json:
    channel = call.channel(inside=True)
    call.need(f"{OF_KIND[channel.kind]}:history")
    top = [m for m in channel.messages.values() if not m.thread or m.data.get("subtype") == "thread_broadcast"]
    rows, fields = page_of_messages(call, _between(call, _visible(call, top)), newest_first=True, default=100)
    return {"messages": _shown(call, rows), "pin_count": 0, **fields}


@method("conversations.replies", *HISTORY)
def replies(call: Call) -> Json:
    """In the thread's order, the root first on every page, whatever `oldest` says."""
    channel = call.channel(inside=True)
    call.need(f"{OF_KIND[channel.kind]}:history")
    asked = call.slack.world.message(channel, call.args.need("ts", "thread_not_found"), "thread_not_found")
    root = call.slack.world.message(channel, asked.thread or asked.ts, "thread_not_found")
    if not _visible(call, [root]):
        raise Refusal("thread_not_found")
    below = [m for m in channel.messages.values() if m.thread == root.ts]
    rows, fields = page_of_messages(call, _between(call, _visible(call, below)), newest_first=False, default=1000)
    return {"messages": _shown(call, [root, *rows]), **fields}


@method("conversations.info", *READ)
def info(call: Call) -> Json:
    channel = call.channel()
    call.need(f"{OF_KIND[channel.kind]}:read")
    return {"channel": described(call, channel)}


def _listed(call: Call, *, own: bool) -> Json:
    kinds = [TYPES.get(name.strip()) for name in call.args.text("types", "public_channel").split(",")]
    if None in kinds:
        raise Refusal("invalid_types")
    for kind in kinds:
        call.need(f"{OF_KIND[kind or 'channel']}:read")
    rows = [
        c
        for c in call.slack.world.channels.values()
        if c.team is call.bot.team
        and c.kind in kinds
        and (call.bot.user.id in c.members or (c.kind == "channel" and not own))
        and not (c.archived and call.args.flag("exclude_archived"))
    ]
    found, fields = page(call, rows)
    return {"channels": [described(call, channel) for channel in found], **fields}


@method("conversations.list", *READ)
def listed(call: Call) -> Json:
    return _listed(call, own=False)


@method("users.conversations", *READ)
def of_user(call: Call) -> Json:
    return _listed(call, own=True)


@method("conversations.members", *READ)
def members(call: Call) -> Json:
    found, fields = page(call, sorted(call.channel().members))
    return {"members": found, **fields}


@method("conversations.create", "channels:manage", "groups:write")
def create(call: Call) -> Json:
    name = call.args.need("name", "invalid_name_required")
    private = call.args.flag("is_private")
    call.need("groups:write" if private else "channels:manage")
    if not re.fullmatch(r"[\w-]{1,80}", name) or name != name.lower():
        raise Refusal("invalid_name_specials" if len(name) <= 80 else "invalid_name_maxlength")
    world = call.slack.world
    if any(c.team is call.bot.team and c.name == name for c in world.channels.values()):
        raise Refusal("name_taken")
    channel = world.open_channel(call.bot.team, name, "group" if private else "channel", {call.bot.user.id})
    return {"channel": described(call, channel)}


@method("conversations.join", "channels:join")
def join(call: Call) -> Json:
    channel = call.channel()
    if channel.kind != "channel":
        raise Refusal("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refusal("is_archived")
    if call.bot.user.id in channel.members:
        return {"channel": described(call, channel), "warning": "already_in_channel"}
    call.slack.acts.join(channel, call.bot.user)
    return {"channel": described(call, channel)}


@method("conversations.invite", "channels:manage", "groups:write")
def invite(call: Call) -> Json:
    channel = call.channel(inside=True)
    for name in call.args.need("users", "no_user").split(","):
        user = call.slack.world.users.get(name)
        if user is None or user.team is not channel.team:
            raise Refusal("user_not_found")
        if user.id in channel.members:
            raise Refusal("already_in_channel")
        call.slack.acts.join(channel, user)
    return {"channel": described(call, channel)}


@method("conversations.open", "im:write", "mpim:write")
def opened(call: Call) -> Json:
    if call.args.text("channel"):
        channel, there = call.channel(inside=True), True
    else:
        users = call.args.need("users", "users_list_not_supplied").split(",")
        if any(user not in call.slack.world.users for user in users):
            raise Refusal("user_not_found")
        call.need("im:write" if len(users) == 1 else "mpim:write")
        channel, there = call.slack.world.direct(call.bot.team, {*users, call.bot.user.id})
    shown = described(call, channel) if call.args.flag("return_im") else {"id": channel.id}
    return {"channel": shown, **({"no_op": True, "already_open": True} if there else {})}
