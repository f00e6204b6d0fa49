"""`python -m tests.fakes.slack [--port N]`: prints its URL, then a small workspace as JSON; runs until a signal."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal

from tests.fakes.slack import FakeSlack


async def run(port: int) -> None:
    over = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, over.set)
    async with FakeSlack(port=port) as slack:
        bot, person = slack.bot("ccmux"), slack.person("ann")
        channel = slack.channel("general", bot, person)
        print(slack.api_url, flush=True)  # noqa: T201
        tokens = {"bot_token": bot.token, "app_token": bot.app_token}
        print(json.dumps({**tokens, "channel": channel.id, "user": person.id}), flush=True)  # noqa: T201
        await over.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.slack")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(run(parser.parse_args().port))
