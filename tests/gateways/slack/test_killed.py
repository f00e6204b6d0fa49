"""The whole process, killed again and again while people write: nothing is lost, nothing is kept twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from functools import partial
from pathlib import Path

import pytest

from ccmux.gateways.home import Home
from tests.fakes.slack import Bot, FakeSlack, Timing

RUN = "from ccmux.gateways.run import run; run('slack')"
CONFIG = """
[access]
teams = ["{team}"]
users = ["{user}"]

[[bind]]
room = "{room}"
instance = "project-a"
"""


def kept(home: Home) -> list[str]:
    try:
        with sqlite3.connect(f"file:{home.spool}?mode=ro", uri=True) as db:
            return [row[0] for row in db.execute("SELECT text FROM heard ORDER BY ord")]
    except sqlite3.OperationalError:
        return []


def acknowledged(slack: FakeSlack, bot: Bot, number: int) -> bool:
    return len(slack.acked(bot)) >= number


async def test_kill_9_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCMUX_HOME", str(tmp_path))
    home = Home("slack")
    home.path.mkdir(parents=True)
    async with FakeSlack(timing=Timing(ack=1.0, ladder=(0.0, 0.5, 1.0))) as slack:
        bot, ann = slack.bot("ccmux"), slack.person("ann")
        room = slack.channel("project-a", bot, ann)
        home.env.write_text(f"SLACK_BOT_TOKEN={bot.token}\nSLACK_APP_TOKEN={bot.app_token}\n")
        home.config.write_text(CONFIG.format(team=bot.team.id, user=ann.id, room=room.id))
        environment = {**os.environ, "CCMUX_SLACK_API": slack.api_url}
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            environment.pop(name, None)
        number = 0
        for life in range(5):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", RUN, env=environment, stdin=asyncio.subprocess.DEVNULL
            )
            try:
                await slack.wait_for(lambda: slack.sockets(bot))
                if life == 0:  # its first reading began at the present: from here on nothing may be lost
                    ann.post(room, "0")
                    await slack.wait_for(lambda: slack.acked(bot) and slack.calls("conversations.history"))
                begun = len(slack.acked(bot))
                for _ in range(20):
                    number += 1
                    ann.post(room, str(number))
                enough = begun + 5 + life
                await slack.wait_for(partial(acknowledged, slack, bot, enough))
            finally:
                process.send_signal(signal.SIGKILL)
                await process.wait()
            await slack.wait_for(lambda: not slack.sockets(bot))
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, env=environment)
        try:
            async with asyncio.timeout(30):
                while len(kept(home)) < number + 1:
                    await asyncio.sleep(0.05)
        finally:
            process.terminate()
            assert await process.wait() == 0
    assert sorted(map(int, kept(home))) == list(range(number + 1))
    assert bot.token not in home.log.read_text()
    assert home.spool.stat().st_mode & 0o77 == 0
