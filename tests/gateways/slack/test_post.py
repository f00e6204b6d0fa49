"""What is said is said once, and every outcome is told for what it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccmux.errors import GatewayError, NotNow, Rejected, Undeliverable, Unsure
from ccmux.gateways.slack.upload import marked, title
from ccmux.gateways.words import Answer, Asked, Draft, Mark, Notice, Progress, Verb
from tests.fakes.slack import SCOPES, Fault
from tests.gateways.slack.conftest import World, transport

APPROVAL: dict[str, Any] = {
    "id": "a-1",
    "code": "k7tm",
    "instance": "project-a",
    "kind": "tool",
    "tool": "Bash",
    "input": {"command": "make test"},
    "cwd": "/work",
    "cause": {"message_id": "m", "channel": "slack", "sender": "ann"},
    "state": "open",
}


async def test_a_post_carries_our_id_and_shows_no_pictures(world: World) -> None:
    thread = world.ann.post(world.room, "question")
    act = msgspec.structs.replace(world.act(thread=thread.ts, text="answer"), hops=1)
    ts = await world.transport.perform(act)
    (post,) = world.slack.posts(world.room)
    assert post.ts == ts
    assert post.message["thread_ts"] == thread.ts
    assert post.metadata == {"event_type": "ccmux_delivery", "event_payload": {"id": "m-1", "hops": 1}}
    (call,) = world.slack.calls("chat.postMessage")
    told = {key: str(call.args[key]).lower() for key in ("unfurl_links", "unfurl_media", "link_names", "parse")}
    assert told["parse"] == "none"
    assert {told["unfurl_links"], told["unfurl_media"], told["link_names"]} <= {"false", "0"}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("drop", after=True), Unsure),
        (Fault("drop"), Unsure),
        (Fault("status", after=True, status=500), Unsure),
        (Fault("status", status=503), Unsure),
        (Fault("error", after=True, error="internal_error"), Unsure),
        (Fault("error", error="fatal_error"), Unsure),
        (Fault("hang", after=True), Unsure),
        (Fault("limited", seconds=7.0), NotNow),
        (Fault("error", error="rate_limited"), NotNow),
        (Fault("error", error="not_in_channel"), Undeliverable),
        (Fault("error", error="is_archived"), Undeliverable),
        (Fault("error", error="channel_not_found"), Undeliverable),
        (Fault("error", error="something_new"), Undeliverable),
        (Fault("error", error="invalid_auth"), Rejected),
        (Fault("error", error="token_revoked"), Rejected),
        (Fault("error", error="account_inactive"), Rejected),
    ],
    ids=lambda value: f"{value.name} {value.error}" if isinstance(value, Fault) else value.__name__,
)
async def test_every_outcome_is_told_for_what_it_is(world: World, fault: Fault, kind: type[GatewayError]) -> None:
    world.slack.faults.add("chat.postMessage", fault)
    with pytest.raises(kind) as caught:
        await world.transport.perform(world.act())
    assert type(caught.value) is kind or issubclass(type(caught.value), Undeliverable)
    assert len(world.slack.calls("chat.postMessage")) == 1
    if fault.do == "limited":
        assert isinstance(caught.value, NotNow)
        assert caught.value.after == 7.0
    if fault.error == "not_in_channel":
        assert "/invite" in caught.value.fix


async def test_what_cannot_be_reached_was_certainly_not_done(world: World) -> None:
    await world.slack.down()
    with pytest.raises(NotNow) as caught:
        await world.transport.perform(world.act())
    assert caught.value.everywhere


async def test_a_refused_form_asks_for_the_plain_one(world: World) -> None:
    act = world.act(text="x", blocks=[{"type": "nothing"}])
    with pytest.raises(Undeliverable) as caught:
        await world.transport.perform(act)
    assert caught.value.plain
    long = world.act(text="x", blocks=[{"type": "markdown", "text": "y" * 12_001}])
    with pytest.raises(Undeliverable) as caught:
        await world.transport.perform(long)
    assert caught.value.plain
    without = msgspec.structs.replace(act, draft=Draft(Verb.POST, act.draft.body))
    with pytest.raises(Undeliverable) as caught:
        await world.transport.perform(without)
    assert not caught.value.plain


async def test_a_missing_scope_is_named(world: World) -> None:
    poor = world.slack.bot("poor", scopes=SCOPES - {"chat:write"})
    other = transport(world.slack, poor)
    try:
        with pytest.raises(Rejected, match="chat:write"):
            await other.perform(world.act())
    finally:
        await other.close()


async def test_a_right_that_only_a_mark_needs_holds_nothing_else_back(world: World) -> None:
    poor = world.slack.bot("poor", scopes=SCOPES - {"reactions:write"})
    other = transport(world.slack, poor)
    world.slack.acts.join(world.room, poor.user)
    ts = world.ann.post(world.room, "hello").ts
    try:
        (draft,) = other.mark(Mark.KEPT, None)
        with pytest.raises(Undeliverable, match="reactions:write"):
            await other.perform(world.act(draft.verb, target=ts, **draft.body))
        assert await other.perform(world.act())
    finally:
        await other.close()


@pytest.mark.parametrize("after", [True, False])
async def test_what_may_have_been_posted_is_found_again(world: World, after: bool) -> None:
    world.slack.faults.add("chat.postMessage", Fault("drop", after=after))
    for number in range(300):
        world.ann.post(world.room, str(number))
    with pytest.raises(Unsure):
        await world.transport.perform(world.act())
    found = await world.transport.find(world.act())
    assert (found is not None) is after
    assert await world.transport.find(world.act(act_id="m-2")) is None
    assert len(world.slack.posts(world.room)) == after


async def test_what_may_have_been_posted_in_a_thread_is_found_there(world: World) -> None:
    thread = world.ann.post(world.room, "question").ts
    world.slack.faults.add("chat.postMessage", Fault("drop", after=True))
    with pytest.raises(Unsure):
        await world.transport.perform(world.act(thread=thread))
    (post,) = world.slack.posts(world.room)
    assert await world.transport.find(world.act(thread=thread)) == post.ts


async def test_that_nobody_can_tell_is_no_answer(world: World) -> None:
    await world.up()
    world.slack.faults.add("conversations.history", Fault("error", error="channel_not_found"))
    with pytest.raises(NotNow):
        await world.transport.find(world.act())
    await world.slack.down()
    with pytest.raises(NotNow):
        await world.transport.find(world.act())


async def test_looking_before_trying_again_neither_loses_nor_doubles(world: World) -> None:
    for fault, chance in ((Fault("drop", after=True), 0.15), (Fault("drop"), 0.05), (Fault("status"), 0.05)):
        world.slack.faults.add("chat.postMessage", fault, times=None, chance=chance)
    for number in range(100):
        act = world.act(act_id=f"m-{number}", text=str(number))
        for _ in range(50):
            try:
                await world.transport.perform(act)
                break
            except Unsure:
                if await world.transport.find(act) is not None:
                    break
    assert [post.message["text"] for post in world.slack.posts(world.room)] == [str(n) for n in range(100)]
    assert len(world.slack.calls("chat.postMessage")) > 100


async def test_edits_and_deletions(world: World) -> None:
    ts = await world.transport.perform(world.act(text="one", blocks=[{"type": "markdown", "text": "one"}]))
    world.slack.faults.add("chat.update", Fault("status", after=True, status=500))
    edit = world.act(Verb.EDIT, target=ts, text="two")
    with pytest.raises(NotNow):
        await world.transport.perform(edit)
    assert await world.transport.perform(edit) == ts
    message = world.room.messages[ts]
    assert message.data["text"] == "two"
    assert not message.data.get("blocks")
    assert message.metadata
    delete = world.act(Verb.DELETE, target=ts)
    await world.transport.perform(delete)
    await world.transport.perform(delete)
    assert ts not in world.room.messages


async def test_a_mark_that_is_there_is_done(world: World) -> None:
    ts = world.ann.post(world.room, "hello").ts
    (kept,) = world.transport.mark(Mark.KEPT, None)
    done = world.transport.mark(Mark.DONE, Mark.KEPT)
    for draft in (kept, kept, *done, *done):
        act = msgspec.structs.replace(world.act(target=ts), draft=draft)
        assert await world.transport.perform(act) == ""
    (reaction,) = world.room.messages[ts].data["reactions"]
    assert reaction["name"] == "white_check_mark"
    assert world.transport.mark(Mark.DONE, Mark.DONE) == ()


async def test_a_file_is_sent_and_found_again(world: World, tmp_path: Path) -> None:
    path = tmp_path / "räport.txt"
    path.write_bytes(b"all is well")
    act = world.act(Verb.UPLOAD, act_id="0198-ab", path=str(path), name=path.name)
    assert await world.transport.find(act) is None
    file = await world.transport.perform(act)
    kept = world.slack.world.files[file]
    assert (kept.content, kept.name, kept.title) == (b"all is well", marked(act), title(act))
    assert await world.transport.find(act) == file
    assert await world.transport.find(msgspec.structs.replace(act, id="0198-ac")) is None


async def test_only_the_last_step_of_an_upload_is_in_doubt(world: World) -> None:
    act = world.act(Verb.UPLOAD, content="long", name="answer.md")
    for method in ("files.getUploadURLExternal", "upload"):
        world.slack.faults.add(method, Fault("status", after=True, status=500))
        with pytest.raises(NotNow):
            await world.transport.perform(act)
    world.slack.faults.add("files.completeUploadExternal", Fault("drop", after=True))
    with pytest.raises(Unsure):
        await world.transport.perform(act)
    assert await world.transport.find(act)


async def test_what_is_no_file_is_not_sent(world: World, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    (tmp_path / "empty").touch()
    for name in ("link", "empty", "none", "."):
        with pytest.raises(Undeliverable):
            await world.transport.perform(world.act(Verb.UPLOAD, path=str(tmp_path / name), name="x"))
    assert not world.slack.ledger.requests


async def test_typing_never_fails(world: World) -> None:
    ts = world.ann.post(world.room, "hello").ts
    world.slack.faults.add("assistant.threads.setStatus", Fault("error", error="missing_scope"))
    for _ in range(2):
        assert await world.transport.perform(world.act(Verb.TYPING, target=ts)) == ""
    assert await world.transport.perform(world.act(Verb.TYPING)) == ""
    assert len(world.slack.calls("assistant.threads.setStatus")) == 2


@pytest.mark.parametrize(
    "out",
    [
        Answer("# Done\n\n* one\n* two\n\n```py\nprint('<!channel>')\n```"),
        Answer(""),
        Answer("word " * 30_000),
        Notice("`session` waits", trouble=True),
        Progress(("Read a.py", "Bash: make test")),
        Asked(APPROVAL),
    ],
    ids=["answer", "empty", "long", "notice", "progress", "asked"],
)
async def test_slack_takes_all_that_is_drafted(world: World, out: Any) -> None:
    drafts = world.transport.drafts(out)
    assert drafts
    for number, draft in enumerate(drafts):
        act = msgspec.structs.replace(world.act(act_id=f"m-{number}"), draft=draft)
        await world.transport.perform(act)
        if draft.plain:
            await world.transport.perform(msgspec.structs.replace(act, draft=Draft(draft.verb, draft.plain)))


async def test_a_pressed_button_says_what_was_decided_and_the_answer_is_seen_by_one(world: World) -> None:
    await world.up()
    (draft,) = world.transport.drafts(Asked(APPROVAL))
    ts = await world.transport.perform(msgspec.structs.replace(world.act(), draft=draft))
    (actions,) = [block for block in world.room.messages[ts].data["blocks"] if block["type"] == "actions"]
    world.inlet.reply = "that was decided before <!channel>"
    for element in actions["elements"]:
        world.ann.press(world.room, ts, element["action_id"])
    await world.inlet.until(lambda: len(world.inlet.presses) == 3)
    pressed = {(one.approval, one.allow, one.session, one.sender.id) for one in world.inlet.presses}
    assert pressed == {
        ("a-1", True, False, world.ann.id),
        ("a-1", True, True, world.ann.id),
        ("a-1", False, False, world.ann.id),
    }
    await world.slack.wait_for(lambda: len(world.slack.ledger.responses) == 3)
    assert "<!channel>" not in str(world.slack.ledger.responses)
    assert "ephemeral" in str(world.slack.ledger.responses[0])
    (after,) = world.transport.drafts(Asked(APPROVAL | {"state": "allowed", "decided_by": "ann"}))
    edit = Draft(Verb.EDIT, after.body, after.plain)
    await world.transport.perform(msgspec.structs.replace(world.act(target=ts), draft=edit))
    assert "actions" not in {block["type"] for block in world.room.messages[ts].data["blocks"]}


async def test_a_command_is_acknowledged_before_it_is_done(world: World) -> None:
    await world.up()
    world.inlet.reply = "idle"
    world.ann.slash("/ccmux", "status", world.room)
    await world.slack.wait_for(lambda: world.slack.ledger.responses)
    (given,) = world.inlet.orders
    assert (given[0], given[1].id, given[2].room) == ("status", world.ann.id, world.room.id)
    assert world.slack.acked(world.bot)


async def test_several_calls_at_once_share_one_session(world: World) -> None:
    acts = [world.act(act_id=f"m-{number}", text=str(number)) for number in range(10)]
    await asyncio.gather(*(world.transport.perform(act) for act in acts))
    assert len(world.slack.posts(world.room)) == 10
