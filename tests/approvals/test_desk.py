"""One question, one answer: whoever is first; hooks that lose their line; time that runs out; an audit that stays."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ccmux.approvals.desk import Answer, Approvals, Verdict
from ccmux.errors import JournalError, Refused, UsageError
from ccmux.journal import approvals as kept
from ccmux.journal import outbox
from ccmux.journal.database import Database
from ccmux.model.approval import Approval, ApprovalState, Asked, Cause, Kind
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.instance import ApprovalsSpec, InstanceSpec

PATIENCE = 60.0
RUN = Asked(Kind.TOOL, "Bash", {"command": "make"}, "/w", "p-1", "toolu-1", "s-1")
ANNA = Cause(MessageId("m-1"), ChannelName("team"), "anna")
YES, NO = Answer(True, "bert"), Answer(False, "carla", reason="not now")


class Desk:
    def __init__(self, path: Path, timeout: float = 3600.0) -> None:
        self.told: list[str | None] = []
        self.db = Database(path)
        spec = InstanceSpec(approvals=ApprovalsSpec(timeout=timeout))
        self.approvals = Approvals("a", self.db, spec, self.told.append)

    async def asked(self, asked: Asked = RUN, *, requested: bool = False) -> Approval:
        found = await self.approvals.ask(asked, ANNA, requested=requested)
        assert isinstance(found, Approval)
        return found

    async def waits(self, approval: Approval) -> asyncio.Task[Verdict]:
        task = asyncio.create_task(self.approvals.wait(approval, requested=False))
        async with asyncio.timeout(PATIENCE):
            while approval.id not in {one.id for one in self.approvals.waiting}:
                await asyncio.sleep(0)
        return task

    async def state(self, approval: Approval) -> ApprovalState:
        known = await self.db.read(partial(kept.find, name=approval.id))
        assert known is not None
        return known.state


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path / "j.db")
    yield made
    await made.db.close()


async def test_the_first_answer_counts_and_closes_the_others(desk: Desk) -> None:
    approval = await desk.asked()
    task = await desk.waits(approval)
    answers = [desk.approvals.answer(approval.code, answer) for answer in (YES, NO, YES, NO)]
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert [isinstance(one, Refused) for one in results].count(False) == 1
    verdict = await task
    assert (verdict.decision == "allow") is (await desk.state(approval) is ApprovalState.ALLOWED)
    assert desk.approvals.waiting == []


async def test_the_same_use_of_a_tool_is_asked_once_and_told_once(desk: Desk) -> None:
    first, again = await desk.asked(), await desk.asked()
    assert first.id == again.id
    lines = await desk.db.read(partial(outbox.first_of, channel=ANNA.channel, limit=9))
    assert [line.about for line in lines] == [f"approval {first.code}"]


async def test_a_hook_that_comes_back_after_the_decision_hears_it_at_once(desk: Desk) -> None:
    await desk.approvals.answer((await desk.asked()).code, NO)
    verdict = await desk.approvals.wait(await desk.asked(), requested=False)
    assert (verdict.decision, verdict.reason) == ("deny", "denied by carla: not now")


async def test_a_lost_line_does_not_withdraw_what_a_new_one_waits_for(desk: Desk) -> None:
    approval = await desk.asked()
    old, new = await desk.waits(approval), asyncio.create_task(desk.approvals.wait(approval, requested=False))
    await asyncio.sleep(0)
    await desk.approvals.withdraw(approval)
    assert await desk.state(approval) is ApprovalState.OPEN
    await desk.approvals.answer(approval.code, YES)
    assert [(await task).decision for task in (old, new)] == ["allow", "allow"]


async def test_who_leaves_last_withdraws_it(desk: Desk) -> None:
    approval = await desk.asked()
    task = await desk.waits(approval)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await desk.approvals.withdraw(approval)
    with pytest.raises(Refused, match="withdrawn"):
        await desk.approvals.answer(approval.code, YES)


async def test_a_daemon_that_ends_leaves_it_open(desk: Desk) -> None:
    approval = await desk.asked()
    task = await desk.waits(approval)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await desk.state(approval) is ApprovalState.OPEN


async def test_time_that_runs_out_denies(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "j.db", timeout=1.0)
    approval = await desk.asked()
    verdict = await desk.approvals.wait(replace(approval, expires_at=0.0), requested=False)
    assert (verdict.decision, await desk.state(approval)) == ("deny", ApprovalState.EXPIRED)
    await desk.db.close()


async def test_a_grant_is_for_its_conversation_alone(desk: Desk) -> None:
    await desk.approvals.answer((await desk.asked()).code, replace(YES, session=True))
    same = await desk.approvals.ask(
        replace(RUN, key="toolu-2", input={"command": "make", "description": "other words"}), ANNA, requested=False
    )
    assert same == Verdict("allow", "allowed for this session")
    for elsewhere in (
        replace(RUN, key="toolu-3", session_id="s-2"),
        replace(RUN, key="toolu-4", cwd="/elsewhere"),
        replace(RUN, key="toolu-5", input={"command": "make", "dangerouslyDisableSandbox": True}),
    ):
        assert isinstance(await desk.approvals.ask(elsewhere, ANNA, requested=False), Approval)


async def test_a_file_that_claude_protects_is_denied_and_no_dialog_stays(desk: Desk) -> None:
    """Claude Code 2.1.329 ignores an `allow` for it, and its dialog would hold the queue."""
    edit = replace(RUN, tool="Write", input={"file_path": "/home/a/.bashrc", "content": "x"}, key="request 1")
    verdict = await desk.approvals.ask(edit, ANNA, requested=True)
    assert isinstance(verdict, Verdict)
    assert verdict.decision == "deny"
    assert isinstance(await desk.approvals.ask(replace(edit, mode="plan"), ANNA, requested=True), Approval)


async def test_what_was_just_allowed_is_allowed_again_when_claude_itself_asks_once(desk: Desk) -> None:
    approval = await desk.asked()
    task = await desk.waits(approval)
    await desk.approvals.answer(approval.code, YES)
    await task
    again = replace(RUN, key="request:1")
    assert await desk.approvals.ask(again, ANNA, requested=True) == Verdict("allow")
    assert isinstance(await desk.approvals.ask(replace(again, key="request:2"), ANNA, requested=True), Approval)


async def test_the_terminal_is_left_to_claude(desk: Desk) -> None:
    assert await desk.approvals.ask(RUN, None, requested=False) == Verdict()
    assert await desk.approvals.ask(RUN, None, requested=True) == Verdict()


async def test_an_answer_that_does_not_fit_is_refused_and_changes_nothing(desk: Desk) -> None:
    parts = [{"question": "A?", "options": []}, {"question": "B?", "options": []}]
    question = Asked(Kind.QUESTION, "AskUserQuestion", {"questions": parts}, "/w", "p-1", "toolu-9", "s-1")
    approval = await desk.asked(question)
    for answers in ((), ("1",), ("1", "2", "3"), ("1", " ")):
        with pytest.raises(UsageError):
            await desk.approvals.answer(approval.code, replace(YES, answers=answers))
    with pytest.raises(UsageError):
        await desk.approvals.answer("nope", YES)
    assert await desk.state(approval) is ApprovalState.OPEN
    await desk.approvals.answer(approval.code, replace(YES, answers=("x", "y")))


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'eve'", "DELETE FROM audit"])
async def test_the_audit_is_only_ever_added_to(desk: Desk, change: str) -> None:
    await desk.approvals.answer((await desk.asked()).code, YES)
    with pytest.raises(JournalError, match="only ever added to"):
        await desk.db.run(lambda db: db.execute(change))
    lines = await desk.db.read(partial(kept.audit, limit=9))
    assert [(line.who, line.what) for line in lines] == [("anna", "asked"), ("bert", "allowed")]


async def test_the_journal_of_before_shows_nothing_and_harms_nothing(tmp_path: Path) -> None:
    from ccmux.journal.history import approvals, audit

    with sqlite3.connect(tmp_path / "old.db") as db:
        db.execute("CREATE TABLE inbox (id TEXT)")
    db.close()
    assert approvals(tmp_path / "old.db", everything=True, limit=9) == []
    assert audit(tmp_path / "old.db", 9) == []
