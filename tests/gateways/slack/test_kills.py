"""Gateway and daemon are killed again and again, a quarter of all that Slack does goes wrong: nothing lost, nothing twice.

CCMUX_TOWN_MESSAGES says how many messages (500 is the measure; the few of every run take half a minute).
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.standin import StandIn
from tests.fakes.slack import FakeSlack, Fault
from tests.gateways.slack.town import Gateway, Town
from tests.rig import Rig, until
from tests.weather.sky import Sky

MESSAGES = int(os.environ.get("CCMUX_TOWN_MESSAGES", "40"))
FAULTS = 0.25


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town(seed=7)
    yield made
    made.close()


@pytest.fixture
def sky(short_dir: Path, standin: StandIn) -> Iterator[Sky]:
    home = short_dir
    made = Sky(Rig(home, standin, home / "none"))
    yield made
    made.close()


def misbehave(slack: FakeSlack) -> None:
    """A quarter of the calls and of the deliveries."""
    part = FAULTS / 5
    for method in (
        "chat.postMessage",
        "reactions.add",
        "reactions.remove",
        "conversations.history",
        "conversations.replies",
    ):
        add = slack.faults.add
        add(method, Fault("drop", after=True), times=None, chance=part)
        add(method, Fault("drop"), times=None, chance=part)
        add(method, Fault("status", status=503, after=True), times=None, chance=part)
        add(method, Fault("error", error="fatal_error", after=True), times=None, chance=part)
        add(method, Fault("limited", seconds=0.2), times=None, chance=part)
    for event in ("lose", "twice", "swap", "drop"):
        slack.faults.add("socket.event", Fault(event), times=None, chance=FAULTS / 4)
    slack.faults.add("socket.handshake", Fault("status", status=408), times=None, chance=0.1)


@pytest.mark.timeout(3600)
def test_messages_over_faults_and_kills_are_each_one_prompt_and_one_answer(sky: Sky, town: Town) -> None:
    sky.make()
    sky.start()
    bot, anna = town.bot("ccmux"), town.person("anna")
    channel = town.channel("a", bot, anna)
    gateway = Gateway(sky.rig, town, bot)
    gateway.let_in(anna)
    gateway.bind(channel, "a")
    gateway.start()
    draw = random.Random(11)  # noqa: S311
    sent: dict[str, str] = {}
    began = time.monotonic()
    try:
        gateway.up()
        town.do(misbehave)
        for number in range(MESSAGES):
            text = f"message {number:04}"
            sent[text] = town.post(anna, channel, text).ts
            fate = draw.random()
            if fate < 0.06:
                gateway.kill()
                gateway.start()
            elif fate < 0.10:
                sky.rig.kill_daemon("a")
                sky.rig.run("start", "a")
            elif fate < 0.12:
                town.do(lambda slack: slack.cut(bot))
            elif fate < 0.13:
                town.do(lambda slack: slack.deafen(bot))
            else:
                time.sleep(draw.uniform(0.0, 0.25))

        def answers() -> Counter[str]:
            said = town.do(lambda slack: [post.message for post in slack.posts(channel)])
            return Counter(one["thread_ts"] for one in said if str(one.get("text", "")).startswith("You wrote: "))

        until(lambda: set(sent.values()) <= set(answers()), f"all are answered\n{gateway.log()[-4000:]}", within=900)
        mine = "SELECT 1 FROM outbox WHERE channel = 'slack' AND delivered_at IS NULL"  # its reports nobody reads here
        until(lambda: not sky.sql(mine), "every reply is taken")
        quiet = len(town.do(lambda slack: slack.posts(channel)))
        gateway.kill()  # what a new life would say again, it says now
        gateway.start()
        fence = town.post(anna, channel, "fence").ts
        until(lambda: answers()[fence], "the fence is answered", within=300)
        assert {text: answers()[ts] for text, ts in sent.items()} == dict.fromkeys(sent, 1), quiet
        assert {text: sky.prompts(text) for text in sent} == dict.fromkeys(sent, 1)
        rows = sky.sql("SELECT text FROM inbox WHERE channel = 'slack' ORDER BY seq")
        assert sorted(str(row[0]) for row in rows) == sorted([*sent, "fence"])
    finally:
        gateway.kill()
    words = f"{MESSAGES} messages, {gateway.lives} lives of the gateway, {time.monotonic() - began:.0f} s"
    (Path(os.environ["CCMUX_TOWN_NOTE"]) if "CCMUX_TOWN_NOTE" in os.environ else Path(os.devnull)).write_text(words)
