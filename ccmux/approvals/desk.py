"""Asks people, waits for the first answer, and writes down who decided what."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from ccmux.core.asking import frame, words
from ccmux.core.permission import OURS, Rules, Way, answered, grant, questions, way
from ccmux.errors import Refused, UsageError
from ccmux.journal import approvals, outbox
from ccmux.journal.database import Database
from ccmux.model.approval import Approval, ApprovalState, Asked, Cause, Kind
from ccmux.model.ids import ChannelName, new_message_id
from ccmux.model.instance import InstanceSpec
from ccmux.model.message import Reply

log = logging.getLogger(__name__)

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without what is read for something else."""
_CODE: Final = 4
_UNCLAIMED: Final = 30.0
"""Seconds in which the hooks of a Claude that outlived its daemon come back to the next one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the hook tells Claude; an empty decision: nothing."""

    decision: str = ""
    reason: str = ""
    input: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person decided."""

    allow: bool
    who: str
    session: bool = False
    """for the rest of this conversation"""
    reason: str = ""
    answers: tuple[str, ...] = ()


class Approvals:
    """Those of one instance. `tell` is called with a channel that has something to read, and with None when a person is needed
    or not any more.
    """

    def __init__(self, name: str, db: Database, spec: InstanceSpec, tell: Callable[[ChannelName | None], None]) -> None:
        self._name = name
        self._db = db
        self._spec = spec
        self._tell = tell
        self._ended: dict[str, asyncio.Event] = {}
        self._waiting: dict[str, Approval] = {}
        self._waits: Counter[str] = Counter()
        """how many hooks wait for one approval: a hook that lost its line comes again before the old line is seen to be dead"""
        self._allowed: list[Asked] = []
        """allowed before Claude asked by itself, which it does for a plan whatever its hook says"""

    @property
    def waiting(self) -> list[Approval]:
        """Those that Claude waits for now."""
        return list(self._waiting.values())

    async def run(self) -> None:
        """After a start: what no hook comes back for is withdrawn."""
        await asyncio.sleep(_UNCLAIMED)
        for left in await self._db.read(approvals.open_ones):
            if left.id not in self._waiting:
                await self._end(replace(left, state=ApprovalState.WITHDRAWN, decided_by="ccmux"))

    async def frame(self, name: str) -> dict[str, Any]:
        """One of them as programs see it, by its code or id. Raises UsageError when there is none."""
        approval = await self._db.read(partial(approvals.find, name=name))
        if approval is None:
            raise UsageError(f"there is no approval {name!a}", fix="ccmux approvals")
        return frame(approval, self._name)

    async def ask(self, asked: Asked, cause: Cause | None, *, requested: bool) -> Verdict | Approval:
        """A verdict at once, or an approval to `wait` for. `cause` None: the terminal. `requested`: Claude itself asks."""
        granted = await self._db.read(partial(approvals.grants, session_id=asked.session_id))
        rules = self._spec.claude
        chosen = way(
            asked,
            terminal=cause is None,
            requested=requested,
            rules=Rules((*rules.allow, *OURS[self._spec.role]), rules.deny, str(Path.home())),
            granted=granted,
        )
        if chosen is Way.CLAUDE or cause is None:
            return Verdict()
        if chosen is Way.DENY:
            return Verdict(
                "deny", "Claude Code protects this file whatever is allowed: a person at the terminal can change it"
            )
        if requested and self._was_allowed(asked):
            return Verdict("allow")
        if chosen is Way.ALLOW:
            self._allowed = [*self._allowed[-15:], asked]
            return Verdict("allow", "allowed for this session")
        return await self._open(asked, cause)

    async def wait(self, approval: Approval, *, requested: bool) -> Verdict:
        """Until it has ended, or its time is over: then it is denied. Cancelled when the daemon ends: it stays open then."""
        if approval.state is not ApprovalState.OPEN:  # decided while no hook was there to hear it
            return self._verdict(approval, requested=requested)
        ended = self._ended.setdefault(approval.id, asyncio.Event())
        self._waiting[approval.id] = approval
        self._waits[approval.id] += 1
        self._tell(None)
        try:
            known = await self._db.read(partial(approvals.find, name=approval.id))
            if known is not None and known.state is not ApprovalState.OPEN:
                ended.set()  # decided before we stood here
            left = max(0.0, min(approval.expires_at - time.time(), self._spec.approvals.timeout))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await ended.wait()
            late = replace(
                approval, state=ApprovalState.EXPIRED, decided_by="timeout", reason="nobody answered in time"
            )
            await self._end(late)
            known = await self._db.read(partial(approvals.find, name=approval.id))
        finally:
            self._waits[approval.id] -= 1
            if not self._waits[approval.id]:
                del self._waits[approval.id], self._waiting[approval.id], self._ended[approval.id]
            self._tell(None)
        return self._verdict(known or late, requested=requested)

    async def withdraw(self, approval: Approval) -> None:
        """A hook has left; Claude does not wait for it any more, when no other hook does."""
        if self._waits[approval.id]:
            return
        await self._end(replace(approval, state=ApprovalState.WITHDRAWN, decided_by="Claude"))

    async def answer(self, name: str, answer: Answer) -> Approval:
        """Decide. Raises Refused when it had been decided before, UsageError when there is none or the answer does not fit."""
        approval = await self._db.read(partial(approvals.find, name=name))
        if approval is None:
            raise UsageError(f"there is no approval {name!a}", fix="ccmux approvals")
        answers = _fitting(approval, answer)
        state = ApprovalState.ALLOWED if answer.allow else ApprovalState.DENIED
        decided = replace(approval, state=state, decided_by=answer.who, reason=answer.reason, answers=answers)
        if not await self._end(decided, session=answer.session and answer.allow):
            known = await self._db.read(partial(approvals.find, name=approval.id)) or approval
            raise Refused(
                f"{approval.code} was {known.state} before" + (f" by {known.decided_by}" if known.decided_by else "")
            )
        return decided

    # inside

    async def _open(self, asked: Asked, cause: Cause) -> Approval:
        now = time.time()
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE))
        fresh = Approval(f"a{new_message_id()[1:]}", code, asked, cause, now, now + self._spec.approvals.timeout)

        def work(db: sqlite3.Connection) -> Approval:
            known = approvals.put(db, fresh)
            if known is fresh:
                text = words(fresh, self._name)
                outbox.put(
                    db, Reply(new_message_id(), cause.message_id, cause.channel, text, about=f"approval {code}"), now
                )
                approvals.note(db, approvals.Audited(now, cause.sender, "asked", fresh.id, asked.tool))
            return known

        approval = await self._db.insist(work)
        if approval is not fresh:
            return approval
        log.info("%s asks: %s %s (%s)", approval.id, approval.asked.kind, approval.asked.tool, approval.code)
        self._tell(cause.channel)
        return approval

    async def _end(self, approval: Approval, *, session: bool = False) -> bool:
        now = time.time()

        def work(db: sqlite3.Connection) -> bool:
            if not approvals.decide(db, approval, now):
                return False
            if session:
                approvals.grant(db, approval, grant(approval.asked), now)
            text = f"{approval.code}: {approval.state} by {approval.decided_by}" + (
                f": {approval.reason}" if approval.reason else ""
            )
            told = Reply(
                new_message_id(),
                approval.cause.message_id,
                approval.cause.channel,
                text,
                about=f"approval {approval.code}",
            )
            outbox.put(db, told, now)
            return True

        ended = await self._db.insist(work)
        if ended:
            log.info("%s is %s by %s", approval.id, approval.state, approval.decided_by)
            if approval.id in self._ended:
                self._ended[approval.id].set()
            self._tell(approval.cause.channel)
        return ended

    def _was_allowed(self, asked: Asked) -> bool:
        found = next((one for one in self._allowed if _same(one, asked)), None)
        if found is not None:
            self._allowed.remove(found)
        return found is not None

    def _verdict(self, approval: Approval, *, requested: bool) -> Verdict:
        if approval.state is not ApprovalState.ALLOWED:
            why = approval.reason or "no reason was given"
            return Verdict("deny", f"{approval.state} by {approval.decided_by}: {why}")
        if not requested:
            self._allowed = [*self._allowed[-15:], approval.asked]
        given = answered(approval.asked.input, approval.answers) if approval.asked.kind is Kind.QUESTION else None
        return Verdict("allow", f"allowed by {approval.decided_by}", given)


def _same(one: Asked, other: Asked) -> bool:
    return (one.prompt_id, one.tool, one.input) == (other.prompt_id, other.tool, other.input)


def _fitting(approval: Approval, answer: Answer) -> tuple[str, ...]:
    """The answers, one for each part of a question."""
    wanted = len(questions(approval.asked.input)) if approval.asked.kind is Kind.QUESTION and answer.allow else 0
    if len(answer.answers) != wanted:
        how = f"--answer {wanted} times, in the order of the questions" if wanted else "without --answer"
        raise UsageError(f"{approval.code} takes {wanted} answers, not {len(answer.answers)}", fix=how)
    if any(not one.strip() for one in answer.answers):
        raise UsageError("an answer is empty", fix="--answer NUMBER, or --answer TEXT")
    return answer.answers
