"""The control socket: one JSON object a line, in and out. docs/PROTOCOL.md lists the requests.

Only the same user is answered, and root, who could become that user (SO_PEERCRED where there is one; the directory is
0700 everywhere).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sqlite3
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from ccmux.approvals.desk import Answer, Approvals
from ccmux.core.commanded import commanded
from ccmux.daemon.desk import Desk
from ccmux.daemon.driver import Driver
from ccmux.daemon.hub import Hub
from ccmux.daemon.intake import Intake
from ccmux.daemon.orders import Typed
from ccmux.daemon.permits import Permits
from ccmux.daemon.projects import Projects
from ccmux.daemon.reports import Reports
from ccmux.daemon.schedules import Schedules
from ccmux.daemon.status import evidence, status
from ccmux.errors import CcmuxError, ProtocolError, Refused, UsageError
from ccmux.journal import inbox, outbox
from ccmux.journal.database import Database
from ccmux.model.ids import MessageId
from ccmux.model.message import Message, Reply
from ccmux.paths import MAIN

log = logging.getLogger(__name__)

LINE_LIMIT = 64 * 1024 * 1024


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request; docs/PROTOCOL.md has what each `op` wants."""

    op: str
    text: str = ""
    sender: str = ""
    key: str | None = None
    id: str = ""
    explain: bool = False
    files: tuple[str, ...] = ()
    stage: str = ""
    payload: dict[str, Any] = {}
    session: bool = False
    reason: str = ""
    answers: tuple[str, ...] = ()
    report: dict[str, Any] = {}
    project: str = ""
    directive: dict[str, Any] = {}


_decode = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.Encoder().encode


class Control:
    """Answers requests until the daemon stops."""

    def __init__(
        self, driver: Driver, intake: Intake, db: Database, hub: Hub, approvals: Approvals, *, schedules: Schedules
    ) -> None:
        self._driver = driver
        self._schedules = schedules
        self._approvals = approvals
        self._permits = Permits(driver, db, approvals)
        self._intake = intake
        self._db = db
        self._hub = hub
        self._desk = Desk(driver, db)
        self.reports: Reports | None = None
        """of a project"""
        self.projects: Projects | None = None
        """of the assistant"""

    @contextlib.asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[None]:
        """Listen while the context lasts; a socket that a dead daemon left is replaced (the lock is ours)."""
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._client, path, limit=LINE_LIMIT)
        path.chmod(0o600)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _same_user(writer.get_extra_info("socket")):
                while line := await reader.readline():
                    answer = await self._answer(line)
                    if answer.get("permit"):
                        await self._permit(line, reader, writer)
                        continue
                    writer.write(_encode(answer) + b"\n")
                    await writer.drain()
                    if answer.get("watching"):
                        await self._watch(reader, writer)
        except (ConnectionError, ValueError, asyncio.IncompleteReadError) as error:
            log.info("a control client left: %s", error)
        except asyncio.CancelledError:
            log.debug("a control client was cut off by the stop of the daemon")
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = _decode(line)
        except msgspec.DecodeError as error:
            return _failure(ProtocolError(f"not a request: {error}"))
        try:
            return await self._do(request)
        except CcmuxError as error:
            return _failure(error)
        except OSError as error:  # a full disk, say: nothing was taken
            log.exception("the request %s failed", request.op)
            return _failure(CcmuxError(f"{request.op}: {error}", fix="ccmux doctor"))

    async def _do(self, request: Request) -> dict[str, Any]:
        match request.op:
            case "status":
                await self._driver.look()
                told = {"v": 1, "instance": await status(self._driver, self._db, self._hub)}
                return told | ({"evidence": evidence(self._hub)} if request.explain else {})
            case "watch":
                return {"v": 1, "watching": True, "instance": await status(self._driver, self._db, self._hub)}
            case "send":
                message = await self._intake.take(
                    request.text, sender=request.sender, key=request.key, files=request.files
                )
                return {"v": 1, "id": message.id, "state": message.state, "ahead": self._driver.ahead(message.id)}
            case "wait":
                return await self._wait(MessageId(request.id))
            case "permit":
                return {"permit": True}
            case "want" | "exit":
                self._driver.want() if request.op == "want" else self._end()
                return {"v": 1} | ({"pid": os.getpid()} if request.op == "exit" else {})
            case "report" | "stopping" | "projects" | "direct":
                return await self._of_reports(request)
            case _:
                return await self._by_a_person(request)

    async def _order(self, request: Request, who: str) -> dict[str, Any]:
        """One of the orders that may come over a channel; what came of it is told in words, also when it was not done."""
        order = commanded(request.text)
        if order is None or self._intake.commands is None:
            raise UsageError(f"{request.text[:40]!a} is no order", fix="see README, Approvals")
        return {"v": 1, "said": await self._intake.commands(order, who)}

    def _end(self) -> None:
        self._hub.stopping.set()
        self._hub.change()

    async def _of_reports(self, request: Request) -> dict[str, Any]:
        """What goes between projects and their assistant."""
        if request.op == "stopping":
            if self.reports is not None:
                await self.reports.stopping()
            return {"v": 1}
        if request.op == "report":
            if self.reports is None:
                raise Refused("the assistant reports to nobody", fix="ccmux report is for projects")
            return await self.reports.say(request.report)
        if self.projects is None and request.op == "direct":
            return {"v": 1, "id": await self._intake.direct_by_hand(request.directive, request.sender)}
        if self.projects is None:
            raise Refused("only the assistant knows the projects", fix=f"ask {MAIN}")
        if request.op == "projects":
            return await self.projects.table(request.project)
        who = request.sender or self._intake.owner
        return {"v": 1, "id": await self.projects.direct(request.project, request.directive, who)}

    async def _by_a_person(self, request: Request) -> dict[str, Any]:
        """What a person decides about one message, or about one question of Claude's."""
        if request.op in ("retry", "drop", "cancel"):
            return {"v": 1} | await self._desk.do(request.op, MessageId(request.id))
        if request.op in ("approve", "deny"):
            return await self._decide(request)
        if request.op == "approval":
            return {"v": 1, "approval": await self._approvals.frame(request.id)}
        if request.op in ("fire", "briefing"):
            act = self._schedules.fire_now if request.op == "fire" else self._schedules.brief_now
            return {"v": 1} | await act(request.id)
        who = request.sender or self._intake.owner
        match request.op:
            case "order":
                return await self._order(request, who)
            case "pause":
                await self._driver.orders.pause(who)
            case "resume":
                await self._driver.resume(who)
            case "interrupt":
                await self._driver.interrupt(who)
            case "clear" | "compact":
                await self._driver.orders.have_typed(Typed(f"/{request.op}"), who)
            case _:
                raise ProtocolError(f"there is no request {request.op!r}")
        return {"v": 1}

    async def _permit(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = _decode(line)
        try:
            await self._permits.serve(request.stage, request.key or "", request.payload, reader, writer)
        except CcmuxError as error:
            if self._hub.stopping.is_set():
                writer.close()  # the hook asks the next daemon
                return
            writer.write(_encode(_failure(error)) + b"\n")
            await writer.drain()

    async def _decide(self, request: Request) -> dict[str, Any]:
        """The person of this account decides; `sender` tells by which way."""
        answer = Answer(
            request.op == "approve",
            request.sender or self._intake.owner,
            request.session,
            request.reason,
            request.answers,
        )
        approval = await self._approvals.answer(request.id, answer)
        return {"v": 1, "id": approval.id, "code": approval.code, "state": approval.state}

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Write the instance at every change of its state or reason, until the client leaves or says anything."""
        left = asyncio.ensure_future(reader.read(1))
        try:
            with self._hub.watching() as changed:
                while not left.done():
                    change = asyncio.ensure_future(changed.wait())
                    await asyncio.wait({left, change}, return_when=asyncio.FIRST_COMPLETED)
                    change.cancel()
                    if changed.is_set():
                        changed.clear()
                        told = {"v": 1, "instance": await status(self._driver, self._db, self._hub)}
                        writer.write(_encode(told) + b"\n")
                        await writer.drain()
        finally:
            left.cancel()

    async def _wait(self, message_id: MessageId) -> dict[str, Any]:
        """Answer when the message has ended (or at once, when it has)."""
        ended = self._hub.ended(message_id)
        try:
            message, reply = await self._db.read(lambda db: _outcome(db, message_id))
            if message is None:
                raise ProtocolError(f"there is no message {message_id}")
            if not message.state.ended:
                await ended.wait()
                message, reply = await self._db.read(lambda db: _outcome(db, message_id))
        finally:
            self._hub.forget(message_id)
        state = message.state if message else ""
        return {
            "v": 1,
            "id": message_id,
            "state": state,
            "reply": reply.text if reply and not reply.error else None,
            "error": (reply.error if reply else "") or None,
        }


def _outcome(db: sqlite3.Connection, message_id: MessageId) -> tuple[Message | None, Reply | None]:
    return inbox.get(db, message_id), outbox.first_to(db, message_id)


def _failure(error: CcmuxError) -> dict[str, Any]:
    return {"v": 1, "failed": {"exit": error.exit_code, "what": error.what, "fix": error.fix}}


def _same_user(peer: socket.socket) -> bool:
    if sys.platform != "linux":
        return True
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return uid in (os.geteuid(), 0)
