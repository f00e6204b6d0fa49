"""The daemon as `ccmux run NAME`, that ends itself by `os._exit` at a named place: launcher.py NAME

CCMUX_CRASH_AT is a file of labels, one a line. At the place that its first line names, the line is taken out and the process
ends there, so that the next daemon does not. CCMUX_CRASH_SEEN is a file to which the label of every place is added that is
passed. Everything is wrapped from outside; the daemon's code is as it is. With CCMUX_CRASH_FORGETFUL it has a bug: it takes up
every message as if it had never been typed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

if not __package__:  # run as a program
    sys.path.insert(0, str(Path(__file__).parents[2]))

from ccmux.cli.main import main
from ccmux.core.commands import Answer
from ccmux.daemon.hub import Hub
from ccmux.daemon.outflow import Outflow
from ccmux.daemon.record import Kept, Record
from ccmux.daemon.session import Session
from ccmux.journal.database import Database
from ccmux.model.message import Message, MessageState

EXIT = 9
"""The exit code of a daemon that ended at its place."""


def at(label: str) -> None:
    """A place: die here, if it is the one."""
    seen = os.open(os.environ["CCMUX_CRASH_SEEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(seen, f"{label}\n".encode())
    os.close(seen)
    armed = Path(os.environ["CCMUX_CRASH_AT"])
    first, _, rest = armed.read_text().partition("\n")
    if first == label:
        armed.write_text(rest)
        os._exit(EXIT)


def around(kind: type, name: str, label: Callable[..., str]) -> None:
    """Two places at a coroutine method; none where the label is empty."""
    original = getattr(kind, name)

    async def wrapped(self: Any, *args: Any, **more: Any) -> Any:
        place = label(*args, **more)
        if not place:
            return await original(self, *args, **more)
        at(f"{place}:before")
        result = await original(self, *args, **more)
        at(f"{place}:after")
        return result

    setattr(kind, name, wrapped)


def wrap() -> None:
    """All places."""
    around(Record, "save", _saved)
    around(Record, "answer", _answered)
    for name in ("keep", "remember", "turn"):
        around(Record, name, lambda *_, name=name, **__: name)
    for name in ("paste", "enter", "clear", "stash", "untangle", "start"):
        around(Session, name, lambda *_, name=name, **__: name)
    around(Session, "_empty", lambda *_: "empty")
    for name in ("run", "insist"):
        around(Database, name, _worked)
    around(Outflow, "_write", _written)
    _wrap_tell()
    _wrap_unlink()


def _saved(message: Message, *_: object, **__: object) -> str:
    return f"save:{message.state}"


def _answered(answer: Answer, *_: object) -> str:
    return f"answer:{answer.message.state if answer.message else 'further'}"


def _worked(work: Any) -> str:
    """What is put into the journal elsewhere than by the Record."""
    name = getattr(work, "func", work).__qualname__
    if name.startswith("Intake.take."):
        return "put"
    task = asyncio.current_task()
    return f"delivered:{task.get_name()}" if name == "delivered" and task is not None else ""


def _written(writer: Any, lines: list[bytes]) -> str:
    if writer.path.name == "out.report":  # tests/flows/test_reports.py has crashes of its own
        return ""
    kind = "frame" if b'"part"' not in lines[0] else "reply"
    return f"written:{kind}:{writer.path.name}"


def _wrap_tell() -> None:
    """The acknowledgement of a message, put where the channel's outflow finds it."""
    original = Hub.tell

    def tell(self: Hub, channel: Any, line: bytes) -> None:
        acknowledges = b'"ack"' in line
        if acknowledges:
            at("tell:before")
        original(self, channel, line)
        if acknowledges:
            at("tell:after")

    Hub.tell = tell  # type: ignore[method-assign]


def _wrap_unlink() -> None:
    """The end of a hook's file, by whatever way."""
    original = Path.unlink

    def unlink(self: Path, missing_ok: bool = False) -> None:
        if self.suffix != ".json" or self.parent.name != "hooks" or not self.exists():
            original(self, missing_ok)
            return
        event = json.loads(self.read_bytes())["hook_event_name"]
        at(f"unlink:{event}:before")
        original(self, missing_ok)
        at(f"unlink:{event}:after")

    Path.unlink = unlink  # type: ignore[method-assign]


def forget() -> None:
    """A seeded bug: what was under way begins anew."""
    original = Record.load

    async def load(self: Record) -> Kept:
        kept = await original(self)
        fresh = [replace(one, state=MessageState.RECEIVED) for one in kept.messages]
        return replace(kept, messages=fresh, nonces={})

    Record.load = load  # type: ignore[method-assign]


if __name__ == "__main__":
    wrap()
    if os.environ.get("CCMUX_CRASH_FORGETFUL"):
        forget()
    main(["run", sys.argv[1]])
