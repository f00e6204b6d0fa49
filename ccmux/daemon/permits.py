"""Claude's hooks ask here whether a tool may be used, and hold the line until somebody has answered."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import Any

import msgspec

from ccmux.approvals.desk import Approvals, Verdict
from ccmux.core.permission import kind_of
from ccmux.daemon.driver import Driver
from ccmux.errors import ProtocolError
from ccmux.journal import inbox, turns
from ccmux.journal.database import Database
from ccmux.model.approval import Approval, Asked, Cause
from ccmux.model.ids import LOCAL, MessageId
from ccmux.model.turn import Cause as Began

THINKING: float = 1.0
"""Seconds between two signs of life to a hook that waits."""
_encode = msgspec.json.Encoder().encode
_ordered = msgspec.json.Encoder(order="sorted").encode


class Payload(msgspec.Struct, frozen=True):
    """What Claude gives its PreToolUse and PermissionRequest hooks; the latter has no `tool_use_id`."""

    tool_name: str
    tool_input: dict[str, Any]
    cwd: str = ""
    prompt_id: str = ""
    tool_use_id: str = ""
    session_id: str = ""
    permission_mode: str = ""


class Permits:
    """For the control socket."""

    def __init__(self, driver: Driver, db: Database, approvals: Approvals) -> None:
        self._driver = driver
        self._db = db
        self._approvals = approvals

    async def serve(
        self, stage: str, key: str, payload: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Write a sign of life every second, then the decision. A hook that leaves does not want it any more.

        `key` names the hook's process: when it comes again, after a restart of the daemon, it asks the same.
        """
        requested = stage == "request"
        asked = _asked(payload, key)
        found = await self._approvals.ask(asked, await self._cause(asked.prompt_id), requested=requested)
        verdict = found if isinstance(found, Verdict) else await self._held(found, reader, writer, requested=requested)
        if verdict is not None:
            told = {"v": 1, "decision": verdict.decision, "reason": verdict.reason, "input": verdict.input}
            writer.write(_encode(told) + b"\n")
            await writer.drain()

    async def _held(
        self, approval: Approval, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, requested: bool
    ) -> Verdict | None:
        left = asyncio.ensure_future(reader.read(1))
        waiting = asyncio.ensure_future(self._approvals.wait(approval, requested=requested))
        try:
            while not waiting.done():
                await asyncio.wait({left, waiting}, timeout=THINKING, return_when=asyncio.FIRST_COMPLETED)
                if left.done() and not waiting.done():
                    waiting.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await waiting
                    await self._approvals.withdraw(approval)
                    return None
                writer.write(_encode({"v": 1, "thinking": approval.code}) + b"\n")
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
            return waiting.result()
        finally:
            for task in (left, waiting):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _cause(self, prompt_id: str) -> Cause | None:
        """Who began the turn; None for the terminal. What is not known is nobody's: it is asked, not waved through."""
        for look_first in (False, True):
            if look_first:
                await self._driver.look()
            message_id = self._driver.message_of(prompt_id)
            turn = await self._db.read(lambda db: turns.by_prompt(db, prompt_id))
            if message_id is None and turn is not None:
                if turn.cause is Began.TERMINAL:
                    return None
                message_id = MessageId(turn.message_id)
            if message_id is not None:
                message = await self._db.read(lambda db, wanted=message_id: inbox.get(db, wanted))  # type: ignore[misc]
                if message is not None:
                    return Cause(message.id, message.channel, message.sender)
            if self._driver.knows_other(prompt_id):
                return None
        return Cause(MessageId(""), LOCAL, "unknown")


def _asked(payload: dict[str, Any], key: str) -> Asked:
    try:
        told = msgspec.convert(payload, Payload)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"not the payload of a hook: {error}") from error
    what = hashlib.sha256(
        _ordered([told.session_id, told.prompt_id, told.cwd, told.tool_name, told.tool_input])
    ).hexdigest()
    return Asked(
        kind_of(told.tool_name),
        told.tool_name,
        told.tool_input,
        told.cwd,
        told.prompt_id,
        f"{told.tool_use_id or f'request {key}'} {what}",  # the id comes from the API: alone it proves nothing
        told.session_id,
        told.permission_mode,
    )
