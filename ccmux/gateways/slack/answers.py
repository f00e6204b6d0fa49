"""A word for the one who pressed or commanded, seen by nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.format.blocks import notice

_HOST: Final = "hooks.slack.com"
_WITHIN: Final = 10.0
_OK: Final = 200


async def tell(api: Api, payload: Mapping[str, Any], text: str) -> None:
    """To the address that came with the payload, if it is one of Slack's. It is said once; a failure is only logged."""
    url = payload.get("response_url")
    if not text or not isinstance(url, str):
        return
    if not api.own(url, _HOST):
        api.log.warning("an answer to a press or command was not sent: its address is none of Slack's")
        return
    body = {"response_type": "ephemeral", "replace_original": False, **notice(text).payload()}
    try:
        async with asyncio.timeout(_WITHIN), api.session.post(url, json=body, allow_redirects=False) as answer:
            if answer.status != _OK:
                api.log.warning("an answer to a press or command was not taken: HTTP %d", answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        api.log.warning("an answer to a press or command was not sent: %s", type(error).__name__)
