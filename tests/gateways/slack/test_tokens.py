"""Tokens are read, checked, and never shown."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

from ccmux import paths
from ccmux.errors import ConfigError, UsageError
from ccmux.gateways import kinds
from ccmux.gateways.home import Home
from ccmux.gateways.slack import rooms, tokens
from ccmux.gateways.slack.api import REAL, base
from ccmux.gateways.slack.manifest import NEEDED, SCOPES, manifest
from ccmux.gateways.slack.transport import Slack, make
from ccmux.gateways.words import Mark, Verb
from tests.fakes.slack import Fault
from tests.gateways.slack.conftest import World, transport

BOT, APP = "xoxb-1-2-abcdefgh", "xapp-1-A01-2-abcdefgh"
GOOD = f"SLACK_BOT_TOKEN={BOT}\nSLACK_APP_TOKEN={APP}\nSLACK_SIGNING_SECRET=beef\n"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CCMUX_HOME", str(tmp_path))
    monkeypatch.delenv("CCMUX_SLACK_API", raising=False)
    return tmp_path


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_they_are_read_from_the_gateways_own_file(home: Path) -> None:
    put(Home("slack").env, GOOD)
    found = tokens.load(Home("slack"))
    assert (found.bot, found.app) == (BOT, APP)
    assert BOT not in f"{found} {found!r} {[found]}"
    assert home.exists()


def test_an_app_of_its_own_may_have_them_in_the_instances_file(home: Path) -> None:
    put(paths.InstancePaths.of("project-a").env, GOOD)
    assert tokens.load(Home("slack-project-a")).bot == BOT
    with pytest.raises(ConfigError, match="SLACK_BOT_TOKEN"):
        tokens.load(Home("slack"))
    put(Home("slack-project-a").env, GOOD.replace("1-2", "3-4"))
    assert "3-4" in tokens.load(Home("slack-project-a")).bot
    assert home.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"SLACK_BOT_TOKEN={APP}\nSLACK_APP_TOKEN={BOT}\n", "exchanged"),
        (f"SLACK_BOT_TOKEN={BOT}\n", "SLACK_APP_TOKEN: is missing"),
        ("SLACK_BOT_TOKEN=secret-of-mine\nSLACK_APP_TOKEN=x\n", "must begin with xoxb-"),
        (f"SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN={APP}\n", "SLACK_BOT_TOKEN: is not whole"),
        (f"SLACK_BOT_TOKEN={BOT} \nSLACK_APP_TOKEN=xapp-new\nline", "KEY=value"),
    ],
)
def test_what_is_wrong_is_told_without_its_value(home: Path, text: str, told: str) -> None:
    put(Home("slack").env, text)
    with pytest.raises(ConfigError, match=told) as caught:
        make(Home("slack"))
    assert "secret-of-mine" not in str(caught.value)
    assert BOT not in str(caught.value)
    assert caught.value.fix
    assert home.exists()


def test_logs_hide_them(caplog: pytest.LogCaptureFixture) -> None:
    log = tokens.logger(tokens.Tokens("odd token", APP))
    try:
        raise ValueError("wss://x?ticket=abc-123&app_id=1 odd token")
    except ValueError:
        log.exception("with %s and %s", APP, "Bearer xoxe.xoxp-1-abc")
    logging.getLogger("aiohttp.client").warning("xoxb-9-8-zzzzzzzz")
    for secret in (APP, "odd token", "abc-123", "xoxe", "zzzzzzzz"):
        assert secret not in caplog.text
    assert "app_id=1" in caplog.text


async def test_no_trouble_of_the_net_tells_them(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.slack.faults.add("socket.handshake", Fault("status", status=408), times=2)
    world.slack.faults.add("*", Fault("status", status=500), times=2)
    await world.up()
    world.slack.cut(world.bot)
    await world.inlet.until(lambda: world.inlet.states[-2:] == ["connecting", "up"])
    assert "Failed to connect" in caplog.text
    assert "Traceback" not in caplog.text
    assert world.bot.token not in caplog.text
    assert world.bot.app_token not in caplog.text
    assert "ticket=" not in caplog.text.replace("ticket=(hidden)", "")


def test_another_base_is_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCMUX_SLACK_API", raising=False)
    assert base(REAL) == REAL
    assert base("http://127.0.0.1:1/api") == "http://127.0.0.1:1/api/"
    monkeypatch.setenv("CCMUX_SLACK_API", "http://localhost:2/api/")
    assert base(REAL) == "http://localhost:2/api/"
    for bad in ("https://evil.example.com/api/", "http://127.0.0.1.evil.example.com/", "https://slack.com.evil/api/"):
        monkeypatch.setenv("CCMUX_SLACK_API", bad)
        with pytest.raises(UsageError, match="CCMUX_SLACK_API"):
            base(REAL)


def test_it_is_a_kind_of_gateway(home: Path) -> None:
    put(Home("slack").env, GOOD)
    made = kinds.make(Home("slack"))
    assert isinstance(made, Slack)
    assert made.identity == "A01"
    assert home.exists()


def test_the_manifest_asks_for_what_is_used() -> None:
    told = manifest("my ccmux")
    assert told["features"]["bot_user"]["display_name"] == "my ccmux"
    assert set(told["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert set(NEEDED) <= set(SCOPES)
    assert told["settings"]["socket_mode_enabled"]
    assert told["features"]["agent_view"]
    assert len(manifest("x" * 99)["display_information"]["name"]) == 35


@pytest.mark.parametrize("scopes", [SCOPES, NEEDED], ids=["all", "needed"])
async def test_the_rights_of_the_manifest_are_enough(world: World, tmp_path: Path, scopes: dict[str, str]) -> None:
    bot = world.slack.bot("exact", scopes=scopes)
    world.room.members.add(bot.user.id)
    world.transport = transport(world.slack, bot)
    world.bind()
    await world.up()
    said = world.ann.post(world.room, "look", files=[("a.txt", b"text")])
    world.ann.post(world.room, "in a thread", said.ts)
    await world.inlet.until(lambda: len(world.inlet.heard) == 2)
    assert world.inlet.heard[0].sender.name == "ann"
    await world.transport.fetch(world.inlet.heard[0].files[0], tmp_path / "a", 100)
    (mark,) = world.transport.mark(Mark.KEPT, None)
    await world.transport.perform(msgspec.structs.replace(world.act(target=said.ts), draft=mark))
    ts = await world.transport.perform(world.act(thread=said.ts))
    assert await world.transport.find(world.act(thread=said.ts)) == ts
    await world.transport.perform(world.act(Verb.EDIT, target=ts, text="two"))
    await world.transport.perform(world.act(Verb.DELETE, target=ts))
    await world.transport.perform(world.act(Verb.UPLOAD, content="x", name="x.md"))
    assert await rooms.find(world.transport.api, "#project-a")
    if scopes is SCOPES:
        await world.transport.perform(world.act(Verb.TYPING, target=said.ts))
        assert world.slack.ledger.statuses
        assert (await rooms.enter(world.transport.api, "#brand-new")).member
    refused = [call.method for call in world.slack.ledger.requests if call.error == "missing_scope"]
    assert not refused
