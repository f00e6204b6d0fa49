"""auth.test, apps.connections.open, users.info, users.list, bots.info, views.publish."""

from __future__ import annotations

from tests.fakes.slack.calls import Call, method
from tests.fakes.slack.paging import page
from tests.fakes.slack.values import Json, Refusal, User


@method("auth.test")
def auth_test(call: Call) -> Json:
    if call.grant.bot is None:
        return {"app_name": call.app.name, "app_id": call.app.id}
    bot = call.bot
    team = {"url": f"https://{bot.team.name}.slack.com/", "team": bot.team.name, "team_id": bot.team.id}
    return {**team, "user": bot.user.name, "user_id": bot.user.id, "bot_id": bot.id, "is_enterprise_install": False}


@method("apps.connections.open", "connections:write", of="app")
def open_connection(call: Call) -> Json:
    ticket = call.slack.links.new_ticket(call.app)
    return {"url": f"{call.slack.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={call.app.id}"}


@method("users.info", "users:read")
def user_info(call: Call) -> Json:
    user = call.slack.world.users.get(call.args.need("user", "user_not_found"))
    if user is None or user.team is not call.bot.team:
        raise Refusal("user_not_found")
    return {"user": _user(call, user)}


@method("users.list", "users:read")
def user_list(call: Call) -> Json:
    rows, more = page(call, [user for user in call.slack.world.users.values() if user.team is call.bot.team])
    return {"members": [_user(call, user) for user in rows], **more}


def _user(call: Call, user: User) -> Json:
    profile = {"real_name": user.name, "display_name": user.name}
    if user.bot_id:
        profile |= {"bot_id": user.bot_id, "api_app_id": call.slack.world.bots[user.bot_id].app.id}
    found = {"id": user.id, "team_id": user.team.id, "name": user.name, "real_name": user.name, "profile": profile}
    return {**found, "deleted": False, "is_bot": bool(user.bot_id), "is_app_user": False, "tz": "Etc/UTC"}


@method("bots.info", "users:read")
def bot_info(call: Call) -> Json:
    bot = call.slack.world.bots.get(call.args.need("bot", "bot_not_found"))
    if bot is None or bot.team is not call.bot.team:
        raise Refusal("bot_not_found")
    found = {"id": bot.id, "name": bot.app.name, "app_id": bot.app.id, "user_id": bot.user.id, "deleted": False}
    return {"bot": found}


@method("views.publish")
def publish(call: Call) -> Json:
    user = call.args.need("user_id")
    view = call.args.parsed("view", dict, "invalid_arguments")
    if view is None or view.get("type") != "home" or user not in call.slack.world.users:
        raise Refusal("invalid_arguments")
    shown = {**view, "id": call.slack.world.new_id("V"), "app_id": call.app.id, "bot_id": call.bot.id}
    call.slack.ledger.views.append({**shown, "user_id": user})
    return {"view": shown}
