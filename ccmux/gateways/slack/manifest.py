"""The app as Slack's app page wants it, and what each of its rights is for."""

from __future__ import annotations

from typing import Any, Final

COMMAND: Final = "/ccmux"
NEEDED: Final = {
    "chat:write": "to answer",
    "channels:history": "to read public channels it was invited to",
    "groups:history": "to read private channels it was invited to",
    "im:history": "to read direct messages to it",
    "mpim:history": "to read group messages it is part of",
    "channels:read": "to find channels by name",
    "groups:read": "to find private channels by name",
    "users:read": "to know the names of people",
    "files:read": "to fetch files that people send",
    "files:write": "to send files and long answers",
    "reactions:write": "to show at a message how it stands with it",
    "commands": f"{COMMAND}",
}
"""Without one of these nothing runs."""
SCOPES: Final = NEEDED | {
    "assistant:write": "to show that Claude is at work",
    "channels:join": "to join a public channel by itself",
    "channels:manage": "to make a channel for a new instance",
    "im:write": "to begin a direct conversation",
    "metadata.message:read": "to count how many programs a message went through",
}
APP_SCOPES: Final = {"connections:write": "to open the socket by which Slack tells what happens"}
"""Of the app-level token (Basic Information)."""
_EVENTS: Final = ("message.channels", "message.groups", "message.im", "message.mpim")
_NAME: Final = 35


def manifest(name: str = "ccmux") -> dict[str, Any]:
    """To be pasted at api.slack.com/apps, "Create New App", "From a manifest"."""
    shown = name[:_NAME] or "ccmux"
    what = "Claude Code sessions on your own machine"
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {"name": shown, "description": what},
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": shown, "always_online": False},
            "agent_view": {"agent_description": what},
            "slash_commands": [
                {
                    "command": COMMAND,
                    "description": "Orders to ccmux: status, stop, clear …",
                    "usage_hint": "status",
                    "should_escape": False,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(_EVENTS)},
            "interactivity": {"is_enabled": True},
            "org_deploy_enabled": False,
            "socket_mode_enabled": True,
            "token_rotation_enabled": False,
        },
    }
