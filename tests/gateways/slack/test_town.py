"""A person's day with Slack: real instances, the real client, a Slack that comes and goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ccmux.gateways.slack.format.press import pressed
from tests.fakes.slack import Message
from tests.gateways.slack.town import Gateway, Town
from tests.rig import Rig, until

pytestmark = pytest.mark.real


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town()
    yield made
    made.close()


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """Decision -> action id."""
    found: dict[str, str] = {}
    for block in message.get("blocks", []):
        for element in block.get("elements", []):
            press = pressed(element.get("value", "")) if element.get("type") == "button" else None
            if press is not None:
                found[press.decision] = element["action_id"]
    return found


def reactions(town: Town, message: Message) -> set[str]:
    return town.do(lambda _: {one["name"] for one in message.data.get("reactions", []) if one["users"]})


def test_a_channel_is_answered_in_threads_with_buttons_and_marks_and_outages_are_made_up_for(
    rig: Rig, town: Town
) -> None:
    rig.new("project-a")
    bot, anna = town.bot("ccmux"), town.person("anna")
    channel = town.channel("project-a", bot, anna)
    gateway = Gateway(rig, town, bot)
    gateway.let_in(operators=(anna,))
    gateway.bind(channel, "project-a")
    gateway.start()
    try:
        gateway.up()
        rig.standin.queue({"text": "It is **done**, <!channel>."})
        said = town.post(anna, channel, "what is left to do?")
        (answer,) = until(lambda: town.thread(channel, said.ts), f"answered in the thread\n{gateway.log()[-3000:]}")
        assert "<!channel>" not in str(answer["blocks"]) + answer["text"]
        assert "**done**" in str(answer["blocks"])
        until(lambda: reactions(town, said) == {"white_check_mark"}, "marked as done")
        assert rig.history("project-a")[0]["message"]["sender"] == f"{anna.id}:anna"

        rig.standin.queue({"tool": "Bash", "input": {"command": "touch made"}}, {"text": "finished"})
        said = town.post(anna, channel, "make it")
        asked = until(lambda: [one for one in town.thread(channel, said.ts) if buttons(one)], "it is asked")[0]
        assert "touch made" in str(asked["blocks"])
        town.do(lambda _: anna.press(channel, asked["ts"], buttons(asked)["allow"]))
        until(lambda: any("finished" in one["text"] for one in town.thread(channel, said.ts)), "it went on")
        until(lambda: not [one for one in town.thread(channel, said.ts) if buttons(one)], "no button is left")
        assert (rig.project("project-a") / "made").exists()

        rig.standin.default({"text": "ok"})
        town.wait(lambda slack: slack.down())
        missed = [town.post(anna, channel, f"while it was down {n}") for n in range(4)]
        town.wait(lambda slack: slack.up())
        until(lambda: all(town.thread(channel, one.ts) for one in missed), f"made up for\n{gateway.log()[-3000:]}")
        texts = [one["message"]["text"] for one in rig.history("project-a")]
        assert texts[2:] == [f"while it was down {n}" for n in range(4)]
        gateway.stop()
    finally:
        gateway.kill()


def test_three_bots_of_three_instances_in_one_channel_do_not_talk_to_each_other(rig: Rig, town: Town) -> None:
    rig.standin.default({"text": "here I am"})
    names = ("a", "b", "c")
    anna = town.person("anna")
    bots = [town.bot(f"bot-{name}") for name in names]
    channel = town.channel("all", anna, *bots)
    gateways = []
    for name, bot in zip(names, bots, strict=True):
        rig.new(name)
        gateway = Gateway(rig, town, bot, f"slack-{name}")
        gateway.let_in(anna)
        gateway.bind(channel, name)
        gateways.append(gateway)
    try:
        for gateway in gateways:
            gateway.start()
        for gateway in gateways:
            gateway.up()
        for number in range(2):
            said = town.post(anna, channel, f"hello {number}")
            until(lambda ts=said.ts: len(town.thread(channel, ts)) == 3, "each has answered")  # type: ignore[misc]
        assert [len(rig.history(name)) for name in names] == [2, 2, 2]
    finally:
        for gateway in gateways:
            gateway.kill()
