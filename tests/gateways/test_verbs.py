"""The verbs of gateways, in real processes, against a stand-in of Slack."""

from __future__ import annotations

import json
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pexpect
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from ccmux.errors import UsageError
from ccmux.gateways import binding, config
from ccmux.gateways.config import Binding, GatewaySpec
from ccmux.gateways.spool import acts, notes, pairings
from ccmux.gateways.spool.schema import SPOOL
from ccmux.gateways.words import Draft, Heard, Place, Priority, Sender, Verb
from ccmux.journal.connection import connect
from ccmux.standin import StandIn
from tests.gateways.office import Office
from tests.rig import alive, kill, until


@pytest.fixture
def office(short_dir: Path, standin: StandIn) -> Iterator[Office]:
    person = Office(short_dir, standin)
    try:
        yield person
    finally:
        person.close()


def _spec(office: Office, name: str = "slack") -> GatewaySpec:
    return config.read(office.gateways / name / "gateway.toml")


# the app


def test_the_manifest_is_json_and_where_to_paste_it_is_said_beside(office: Office) -> None:
    told = json.loads(office.run("slack", "manifest", "--name", "helper"))
    assert told["display_information"]["name"] == "helper"
    assert told["settings"]["socket_mode_enabled"] is True
    assert "api.slack.com/apps" in office.stderr


def test_good_tokens_are_kept_and_their_team_is_heard(office: Office) -> None:
    said = office.set_up()
    assert "both tokens are good: @ccmux in acme" in said
    assert "ccmux gateway start slack" in said
    assert not any(token in said + office.stderr for token in office.tokens.values())
    env = office.gateways / "slack" / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert stat.S_IMODE(env.parent.stat().st_mode) == 0o700
    assert all(f"{key}={value}" in env.read_text() for key, value in office.tokens.items())
    assert _spec(office).access.teams == (office.bot.team.id,)
    office.set_up()
    assert _spec(office).access.teams == (office.bot.team.id,)


def test_tokens_are_asked_for_without_an_echo(office: Office) -> None:
    argv = ["-m", "ccmux", "slack", "setup"]
    child = pexpect.spawn(sys.executable, argv, env=office.env, cwd=str(office.home), encoding="utf-8", timeout=60)
    shown: list[str] = []
    for token in office.tokens.values():
        child.expect(r"Token \(x")
        shown.append(str(child.before))
        child.expect(": ")
        child.waitnoecho()
        child.sendline(token)
    child.expect(pexpect.EOF)
    child.close()
    shown.append(str(child.before))
    assert child.exitstatus == 0, shown
    assert "both tokens are good" in shown[-1]
    assert not any(token in "".join(shown) for token in office.tokens.values())


def test_wrong_tokens_are_named_and_not_kept(office: Office) -> None:
    right = dict(office.tokens)
    office.run("slack", "setup", code=2)
    assert "--from-env" in office.stderr
    for tokens, code, sentence in (
        ({"SLACK_BOT_TOKEN": right["SLACK_APP_TOKEN"], "SLACK_APP_TOKEN": right["SLACK_BOT_TOKEN"]}, 2, "exchanged"),
        (right | {"SLACK_BOT_TOKEN": "xoxp-of-a-person"}, 2, "SLACK_BOT_TOKEN: must begin with xoxb-"),
        ({"SLACK_BOT_TOKEN": right["SLACK_BOT_TOKEN"]}, 2, "SLACK_APP_TOKEN: is missing"),
        (right | {"SLACK_BOT_TOKEN": "xoxb-123-456-nobody"}, 1, "invalid_auth"),
    ):
        office.env |= tokens
        office.run("slack", "setup", "--from-env", code=code)
        assert sentence in office.stderr
        assert not any(token in office.stderr for token in tokens.values())
        for key in tokens:
            del office.env[key]
    lacking = office.thread.do(lambda slack: slack.bot("poor", scopes=["chat:write", "channels:history"]))
    office.tokens = {"SLACK_BOT_TOKEN": lacking.token, "SLACK_APP_TOKEN": lacking.app_token}
    office.env |= office.tokens
    office.run("slack", "setup", "--from-env", code=1)
    assert "lacks the scope groups:history" in office.stderr
    assert not office.gateways.exists()


def test_an_app_of_an_instances_own(office: Office) -> None:
    office.set_up()
    office.instance("a")
    office.env |= office.tokens
    office.run("slack", "setup", "a", "--from-env", code=2)
    assert "slack has that app already" in office.stderr
    for key in office.tokens:
        del office.env[key]
    own = office.thread.do(lambda slack: slack.bot("own"))
    with office.paths("a").env.open("a") as env:
        env.write(f"SLACK_BOT_TOKEN={own.token}\nSLACK_APP_TOKEN={own.app_token}\nSLACK_SIGNING_SECRET=abc\n")
    said = office.run("slack", "setup", "a")
    assert "slack-a: both tokens are good: @own" in said
    assert not (office.gateways / "slack-a" / ".env").exists()
    assert [(one.room, one.instance) for one in _spec(office, "slack-a").bind] == [("direct", "a")]
    office.instance("b")
    office.run("channel", "bind", "b", "direct", "--gateway", "slack-a", code=2)
    assert "own account of a" in office.stderr
    office.run("slack", "setup", "nobody", "--from-env", code=3)


# rooms


def test_a_room_is_bound_by_its_name_or_id_to_one_instance(office: Office) -> None:
    office.instance("a")
    office.instance("b")
    office.run("channel", "bind", "a", "#work", code=2)
    assert "ccmux slack setup" in office.stderr
    office.set_up()
    room, other, secret = office.room("work"), office.room("other"), office.room("secret", joined=False, kind="group")
    assert f"a: works in #work ({room})" in office.run("channel", "bind", "a", "#work")
    office.run("channel", "bind", "a", "#work", "--mention")
    office.run("channel", "bind", "a", room)
    assert _spec(office).bind == (Binding(room, "a", name="#work", mention=True),)
    office.run("channel", "bind", "b", room, code=2)
    assert f"#work ({room}) is bound to a" in office.stderr
    office.run("channel", "bind", "a", "#other", code=2)
    assert "a is bound to #work" in office.stderr
    office.run("channel", "bind", "b", "#nowhere", code=2)
    assert "type in #nowhere in Slack: /invite @ccmux" in office.stderr
    office.run("channel", "bind", "b", "#secret", code=2)
    assert secret not in office.stderr
    office.run("channel", "bind", "b", other)
    office.run("channel", "bind", "b", "direct")
    office.run("channel", "bind", "nobody", room, code=3)
    told = office.json("channel", "ls")
    rooms = {row["room"]: (row["instance"], row["name"], row["exists"]) for row in told["rooms"]}
    assert rooms == {room: ("a", "#work", True), other: ("b", "#other", True), "direct": ("b", "", True)}
    shown = office.run("channel", "ls")
    assert f"#work ({room}) - a (when it is addressed)" in shown
    assert "left #other" in office.run("channel", "unbind", "b")
    assert [one.instance for one in _spec(office).bind] == ["a"]
    office.run("channel", "unbind", "b", code=2)
    assert "bound to no room" in office.stderr


def test_a_public_room_that_the_app_is_not_in_is_joined(office: Office) -> None:
    office.set_up()
    office.instance("a")
    room = office.room("open", joined=False)
    said = office.run("channel", "bind", "a", "#open")
    assert "/invite" not in said
    assert office.thread.do(lambda slack: len(slack.calls("conversations.join"))) == 1
    assert _spec(office).bind[0].room == room


def test_an_id_is_enough_where_the_service_cannot_be_asked(office: Office) -> None:
    office.set_up()
    office.instance("a")
    office.thread.wait(office.thread.slack.down())
    office.run("channel", "bind", "a", "#work", code=1)
    assert "cannot be reached" in office.stderr
    assert "cannot be reached" in office.run("channel", "bind", "a", "C0123ABC")
    assert _spec(office).bind == (Binding("C0123ABC", "a"),)


def test_two_rooms_bound_at_once_are_both_bound(office: Office) -> None:
    office.set_up()
    for name in ("a", "b"):
        office.instance(name)
        office.room(f"of-{name}")
    both = [office.popen("channel", "bind", name, f"#of-{name}") for name in ("a", "b")]
    assert [(process.communicate(timeout=60), process.returncode)[1] for process in both] == [0, 0]
    assert sorted(one.instance for one in _spec(office).bind) == ["a", "b"]


def test_comments_in_the_configuration_stay(office: Office) -> None:
    office.set_up()
    office.instance("a")
    file = office.gateways / "slack" / "gateway.toml"
    file.write_text("# mine\n" + file.read_text())
    office.run("channel", "bind", "a", "direct")
    assert file.read_text().startswith("# mine\n")


# people


def test_who_is_heard(office: Office) -> None:
    office.run("channel", "allow", "U1", code=2)
    office.set_up()
    office.run("channel", "allow", "U1", "U2")
    office.run("channel", "allow", "@ann", "--operator")
    office.run("channel", "allow", "B1", "--bot")
    office.run("channel", "allow", "T2", "--team")
    access = _spec(office).access
    assert (access.users, access.operators, access.bots) == (("U1", "U2"), (office.ann.id,), ("B1",))
    assert access.teams == (office.bot.team.id, "T2")
    office.run("channel", "allow", "@nobody", code=2)
    assert "Copy member ID" in office.stderr
    office.thread.do(lambda slack: slack.person("ann"))
    office.run("channel", "allow", "@ann", code=2)
    assert "are all called 'ann'" in office.stderr
    office.run("channel", "allow", "U1", "--bot", "--team", code=2)
    office.run("channel", "deny", "U1", "B1")
    assert _spec(office).access.users == ("U2",)
    office.run("channel", "deny", "U1", code=2)
    office.run("channel", "allow", "U 3", code=2)
    office.run("channel", "allow", "ann", code=2)
    assert "@ann" in office.stderr
    office.run("channel", "allow", "acme", "--team", code=2)
    assert _spec(office).access.users == ("U2",)


def test_a_stranger_is_let_in_by_the_code_they_were_told(office: Office) -> None:
    office.set_up()
    office.run("channel", "pair", "ABCDEFGH", code=2)
    with closing(connect(office.gateways / "slack" / "spool.db", SPOOL)) as db:
        code = pairings.ask(db, Sender("U7", "Eve\x1b[2J"), "T1", time.time())
    office.run("channel", "pair", "AAAAAAAA", code=2)
    assert "nobody asked with the code" in office.stderr
    said = office.run("channel", "pair", code.lower())
    assert "U7" in said
    assert "\x1b" not in said
    assert _spec(office).access.users == ("U7",)
    office.run("channel", "pair", code, code=2)


def test_what_was_dropped_is_told_without_what_was_said(office: Office) -> None:
    office.set_up()
    office.instance("a")
    assert "nothing was dropped" in office.run("channel", "drops")
    office.run("channel", "bind", "a", "C0123ABC")
    with closing(connect(office.gateways / "slack" / "spool.db", SPOOL)) as db:
        for number, room in enumerate(("C0123ABC", "C9")):
            place, sender = Place(room, team="T1"), Sender("U9", "Mallory\n\x1b]0;x\x07")
            said = Heard(f"slack:{number}", place, sender, "1", "1", time.time(), "a secret")
            notes.drop(db, said, "a stranger", time.time())
    shown = office.run("channel", "drops")
    assert shown.count("a stranger") == 2
    assert "secret" not in shown
    assert "\x1b" not in shown
    assert [row["room"] for row in office.json("channel", "drops", "a")["drops"]] == ["C0123ABC"]
    assert [row["drops"] for row in office.json("channel", "ls")["rooms"]] == [1]
    checks = {one["id"]: one for one in office.json("doctor", code=1)["checks"]}
    assert "2 messages of 1 strangers" in checks["slack.strangers"]["message"]


def test_a_line_to_try_it_out_is_posted_and_seen(office: Office) -> None:
    office.set_up()
    office.instance("a")
    room = office.room("work")
    office.run("channel", "test", "a", code=2)
    office.run("channel", "bind", "a", room)
    assert "posted, and seen there again" in office.run("channel", "test", "a")
    assert len(office.thread.do(lambda slack: slack.posts(room))) == 1
    office.thread.do(lambda slack: slack.revoke(office.bot.token))
    office.run("channel", "test", "a", code=1)
    assert "token_revoked" in office.stderr


# processes


def test_a_gateway_is_started_kept_alive_and_stopped(office: Office) -> None:
    office.run("gateway", "start", "slack", code=2)
    assert "ccmux slack setup" in office.stderr
    assert "no gateways yet" in office.run("gateway", "ls")
    office.set_up()
    assert office.gateway()["state"] == "stopped"
    assert "gateway slack: started, up" in office.run("gateway", "start", "slack")
    assert "runs already" in office.run("gateway", "start", "slack")
    told = office.gateway()
    assert (told["state"], told["kind"], told["instance"], told["dead"]) == ("up", "slack", "", 0)
    keeper, first = office.pid(lock="keeper.lock"), office.pid()
    kill(first, signal.SIGKILL)
    until(lambda: office.pid() not in (0, first), "another runs")
    assert office.pid(lock="keeper.lock") == keeper
    office.run("gateway", "restart", "slack")
    assert not alive(keeper)
    second = office.pid()
    assert "stopped" in office.run("gateway", "stop", "slack")
    assert not alive(second)
    assert "was not running" in office.run("gateway", "stop", "slack")
    office.run("gateway", "start", "slack-nobody", code=2)


def test_it_runs_in_the_foreground_until_it_is_told_to_end(office: Office) -> None:
    office.set_up()
    process = office.popen("gateway", "slack")
    until(lambda: office.pid() == process.pid, "it runs")
    log = office.gateways / "slack" / "gateway.log"
    until(lambda: f"runs as {process.pid}" in log.read_text(), "it heeds signals")
    office.run("gateway", "slack", code=75)
    assert "the gateway slack runs already" in office.stderr
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    office.run("gateway", "telex", code=2)
    office.run("gateway", "../x", code=2)


def test_another_connection_of_the_app_is_called_a_rival(office: Office) -> None:
    office.set_up()

    async def rival() -> SocketModeClient:
        web = AsyncWebClient(base_url=office.thread.slack.api_url)
        client = SocketModeClient(office.bot.app_token, web_client=web)
        await client.connect()  # type: ignore[no-untyped-call]
        return client

    client = office.thread.wait(rival())
    try:
        until(lambda: office.thread.do(lambda slack: len(slack.sockets(office.bot))) == 1, "it is connected")
        office.run("gateway", "start", "slack")
        until(lambda: office.gateway()["rivals"] == 1, "the gateway was told")
        assert "1 other connections take events away" in office.run("gateway", "ls")
        checks = {one["id"]: one for one in office.json("doctor")["checks"]}
        assert checks["slack.rivals"]["level"] == "warn"
    finally:
        office.thread.wait(client.close())  # type: ignore[no-untyped-call]


def test_up_and_down_take_gateways_along(office: Office) -> None:
    office.set_up()
    office.instance("a")
    assert "gateway slack: started" in office.run("up")
    assert office.pid()
    assert "gateway slack: stopped" in office.run("down")
    assert not office.pid()
    assert office.status("a")["state"] == "stopped"


def test_an_instance_whose_room_is_wrong_is_told_to_be_there_and_so_is_a_room_that_stays(office: Office) -> None:
    office.set_up()
    office.run("new", "a", "--no-start", "--slack", "two words", code=2)
    assert "a was made, but works in no room yet" in office.stderr
    office.run("new", "a", "--no-start", "--slack", "two words", code=2)
    assert "a is there, but works in no room yet" in office.stderr
    office.run("channel", "bind", "a", "nothing", code=2)
    assert "there is no channel 'nothing'" in office.stderr
    assert not _spec(office).bind
    office.run("new", "a", "--no-start", "--slack", "#of-a")
    assert "is still bound to it: ccmux channel unbind a" in office.run("rm", "a")
    office.run("new", "b", "--from", "gone/none.toml", code=2)
    assert "none.toml is not there" in office.stderr


def test_an_instance_is_made_with_its_room(office: Office) -> None:
    office.run("new", "a", "--no-start", "--slack", "#a", code=2)
    assert "slack was never set up" in office.stderr
    assert not office.paths("a").home.exists()
    office.set_up()
    made = office.json("new", "a", "--dir", str(office.project("a")), "--slack", "#room-of-a")
    assert made["room"]["gateway"] == "slack"
    assert (made["room"]["name"], made["room"]["todo"]) == ("#room-of-a", "")
    assert _spec(office).of_instance("a") is not None
    assert office.pid()
    again = office.run("new", "a", "--dir", str(office.project("a")), "--slack", "#room-of-a")
    assert "already exists" in again
    assert len(_spec(office).bind) == 1
    office.run("new", "b", "--no-start", "--slack", "#room-of-a", code=2)
    assert "is bound to a" in office.stderr
    assert not office.paths("b").home.exists()


def test_what_was_given_up_is_shown_tried_again_or_put_away(office: Office) -> None:
    office.set_up()
    office.run("gateway", "drop", "slack", "x", code=2)
    assert "never ran" in office.stderr
    with closing(connect(office.gateways / "slack" / "spool.db", SPOOL)) as db:
        said, final = Draft(Verb.POST, {"text": "x"}), Priority.FINAL
        ids = [acts.put(db, said, Place("C1"), time.time(), instance="a", priority=final) for _ in range(3)]
        for act in ids[:2]:
            acts.end(db, act, "dead", "channel_not_found\x1b[2J", time.time())
    assert (office.gateway()["dead"], office.gateway()["waiting_out"]) == (2, 1)
    shown = office.run("gateway", "dead", "slack")
    assert ids[0] in shown
    assert ids[2] not in shown
    assert "\x1b" not in shown
    assert [row["id"] for row in office.json("gateway", "dead", "slack")["dead"]] == ids[:2]
    assert "ccmux gateway start slack" in office.run("gateway", "retry", "slack", ids[0])
    office.run("gateway", "drop", "slack", ids[1])
    office.run("gateway", "drop", "slack", ids[2], code=2)
    assert (office.gateway()["dead"], office.gateway()["waiting_out"]) == (0, 2)
    office.run("gateway", "start", "slack")
    until(lambda: office.gateway()["dead"] == 2, "Slack takes neither: there is no such channel")
    before = office.thread.do(lambda slack: len(slack.calls("chat.postMessage")))
    office.run("gateway", "retry", "slack", ids[0])
    until(
        lambda: office.thread.do(lambda slack: len(slack.calls("chat.postMessage"))) > before,
        "a gateway that runs tries it again",
    )


def test_the_doctor_names_what_is_wrong(office: Office) -> None:
    office.set_up()
    office.instance("a")
    office.run("channel", "bind", "a", "C0123ABC")
    assert "ccmux channel unbind a" in office.run("rm", "a", "--purge")
    env = office.gateways / "slack" / ".env"
    env.chmod(0o644)
    checks = {one["id"]: one for one in office.json("doctor", code=1)["checks"]}
    assert f"{env} has mode 644" in checks["slack.modes"]["message"]
    assert checks["slack.state"]["level"] == "warn"
    assert checks["slack.a"]["fix"].startswith("ccmux channel unbind a")
    assert "nobody is heard" in checks["slack.access"]["message"]
    office.run("channel", "unbind", "a")
    office.json("doctor", "--fix", code=0)
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    (office.gateways / "slack" / "gateway.toml").write_text("nonsense = 1\n")
    checks = {one["id"]: one for one in office.json("doctor", code=1)["checks"]}
    assert "nonsense" in checks["slack.gateway"]["message"]
    assert "nonsense" in office.gateway()["reason"]


def test_the_whole_way_from_a_room_to_claude_and_back(office: Office) -> None:
    office.set_up()
    made = office.json("new", "a", "--dir", str(office.project("a")), "--slack", "#of-a")
    room = made["room"]["id"]
    until(lambda: office.gateway()["state"] == "up", "it is connected")

    def say(text: str) -> None:
        office.thread.do(lambda slack: office.ann.post(slack.world.channels[room], text))

    office.thread.do(lambda slack: office.ann.join(slack.world.channels[room]))
    say("before I am let in")
    until(lambda: office.json("channel", "drops")["drops"], "a stranger is not heard")
    office.run("channel", "allow", office.ann.id)
    until(lambda: office.ann.id in _spec(office).access.users, "it is written")
    log = office.gateways / "slack" / "gateway.log"
    until(lambda: "gateway.toml has changed" in log.read_text(), "the gateway has read it")
    say("hello")
    posts = until(lambda: office.thread.do(lambda slack: slack.posts(room)), "an answer")
    assert "You wrote: hello" in str(posts[0])
    assert office.gateway()["rooms"] == 1
    assert office.gateway()["account"].startswith("@ccmux in acme")
    office.run("gateway", "stop", "slack")
    say("while it was stopped")
    office.run("gateway", "start", "slack")
    until(lambda: "while it was stopped" in str(office.thread.do(lambda slack: slack.posts(room))), "it was read back")
    assert len([one for one in office.json("channel", "ls")["rooms"] if one["read_at"]]) == 1


# pure


def test_bindings_are_one_to_one() -> None:
    spec = binding.bind(binding.bind(GatewaySpec(), "C1", "a", name="#one"), "direct", "a")
    assert binding.bind(spec, "C1", "a") == spec
    for room, instance in (("C1", "b"), ("C2", "a"), ("direct", "b")):
        with pytest.raises(UsageError):
            binding.bind(spec, room, instance)
    left, gone = binding.unbind(spec, "a")
    assert left == GatewaySpec()
    assert [binding.called(one) for one in gone] == ["#one (C1)", "the direct conversations"]
