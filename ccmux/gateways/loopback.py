"""A gateway to nowhere: rooms are files, `rooms/ROOM.jsonl` in its home, and to say something is to append a line.

The example of a kind, and what the tests of the gateways stand on. A line is a JSON object, or plain text of the person of
this account. Its number is its id.

    {"who":"anna","text":"hello","thread":"3"}             somebody says something (in a thread)
    {"who":"anna","edit":"3","text":"…"}  {"who":"anna","delete":"3"}
    {"who":"anna","press":"a-…","allow":true}               somebody presses a button
    {"by":"ccmux","act":"m-…","text":"…","thread":"3"}      what the gateway says; edit, delete and mark likewise
"""

from __future__ import annotations

import asyncio
import fcntl
import getpass
import os
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from ccmux.errors import Undeliverable
from ccmux.gateways.base import Inlet
from ccmux.gateways.home import Home
from ccmux.gateways.words import (
    Act,
    Answer,
    Asked,
    Caps,
    Draft,
    Health,
    Heard,
    Kind,
    Mark,
    Notice,
    Out,
    Place,
    Press,
    Progress,
    RemoteFile,
    Sender,
    Verb,
)

TEAM: Final = "here"
_LOOK: Final = 0.2
_OURS: Final = "ccmux"


def make(home: Home) -> Loopback:
    """The loopback of that home; it needs no configuration."""
    return Loopback(home.path / "rooms")


class Loopback:
    """One directory of rooms."""

    caps = Caps(edits=True, reactions=True, buttons=True, uploads=True, finds=True, history=True)

    def __init__(self, rooms: Path) -> None:
        self.identity = blake2b(os.fsencode(rooms), digest_size=6).hexdigest()
        self._rooms = rooms
        self._since = time.time()
        self._state = "connecting"
        self._read: dict[str, int] = {}
        """room -> lines that were put"""

    async def run(self, inlet: Inlet) -> None:
        """For ever: new lines are found by looking."""
        self._rooms.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state, self._since = "up", time.time()
        inlet.changed()
        while True:
            for room in await inlet.rooms():
                known = self._read.get(room.id, int(room.cursor or 0))
                lines = self._lines(room.id)
                for number, line in enumerate(lines[known:], known + 1):
                    await self._put(inlet, room.id, number, line)
                if len(lines) > known:
                    await inlet.read_back(room.id, f"{len(lines):012}")
                self._read[room.id] = len(lines)
                inlet.caught_up(room.id)
            await asyncio.sleep(_LOOK)

    async def _put(self, inlet: Inlet, room: str, number: int, line: dict[str, Any]) -> None:
        if line.get("by") == _OURS:
            return
        sender = Sender(str(line.get("who", "")), bot=bool(line.get("bot")))
        place = Place(room, str(line.get("thread", "")), room.startswith("direct-"), TEAM)
        if "press" in line:
            press = Press(str(line["press"]), bool(line.get("allow")), sender, place)
            told = await inlet.press(press)
            if told:
                self._append(room, {"by": _OURS, "to": sender.id, "text": told})
            return
        kind = Kind.EDITED if "edit" in line else Kind.DELETED if "delete" in line else Kind.SAID
        native = str(line.get("edit") or line.get("delete") or number)
        files = tuple(
            RemoteFile(str(path), Path(str(path)).name, _size(str(path)), str(path)) for path in line.get("files", ())
        )
        heard = Heard(
            f"loopback:{room}:{number}",
            place,
            sender,
            native,
            f"{number:012}",
            float(line.get("at", time.time())),
            str(line.get("text", "")),
            kind,
            files,
            hops=int(line.get("hops", 0)),
        )
        await inlet.put(heard)

    async def perform(self, act: Act) -> str:
        """Append a line."""
        body, room = act.draft.body, act.place.room
        line: dict[str, Any] = {"by": _OURS, "act": act.id}
        match act.draft.verb:
            case Verb.POST:
                line |= {**body, **({"thread": act.place.thread} if act.place.thread else {})}
            case Verb.EDIT:
                line |= {**body, "edit": act.target}
            case Verb.DELETE:
                line["delete"] = act.target
            case Verb.REACT:
                line |= {"mark": body["mark"], "of": act.target}
            case Verb.UNREACT:
                line |= {"unmark": body["mark"], "of": act.target}
            case Verb.UPLOAD:
                line |= {"file": body["name"], "text": Path(body["path"]).read_text(errors="replace")}
                line |= {"thread": act.place.thread} if act.place.thread else {}
            case Verb.TYPING:
                return ""
        return str(self._append(room, line))

    async def find(self, act: Act) -> str | None:
        """By our id in the lines of the room."""
        lines = enumerate(self._lines(act.place.room), 1)
        return next((str(number) for number, line in lines if line.get("act") == act.id), None)

    async def fetch(self, file: RemoteFile, to: Path, most_bytes: int) -> None:
        """Copied from where the line said."""
        try:
            content = Path(file.url).read_bytes()
        except OSError as error:
            raise Undeliverable(f"{file.name}: {error.strerror}") from error
        if len(content) > most_bytes:
            raise Undeliverable(f"{file.name} has {len(content)} bytes, at most {most_bytes} are taken")
        to.write_bytes(content)

    def drafts(self, out: Out) -> tuple[Draft, ...]:
        """One line, and one for each file."""
        match out:
            case Answer(text=text, files=files):
                uploads = [Draft(Verb.UPLOAD, {"path": path, "name": Path(path).name}) for path in files]
                return (Draft(Verb.POST, {"text": text}), *uploads)
            case Notice(text=text):
                return (Draft(Verb.POST, {"text": text, "notice": True}),)
            case Asked(approval=approval):
                return (
                    Draft(
                        Verb.POST, {"text": str(approval["state"]), "asked": approval["id"], "code": approval["code"]}
                    ),
                )
            case Progress(lines=lines):
                return (Draft(Verb.POST, {"text": lines[-1], "progress": True}),)

    def mark(self, mark: Mark, before: Mark | None) -> tuple[Draft, ...]:
        """The new mark in place of the one before."""
        gone = (Draft(Verb.UNREACT, {"mark": before}),) if before is not None else ()
        return (*gone, Draft(Verb.REACT, {"mark": mark}))

    def health(self) -> Health:
        return Health(self._state, self._since, account=str(self._rooms))

    async def close(self) -> None:
        """There is nothing to let go of."""

    # the files

    def _lines(self, room: str) -> list[dict[str, Any]]:
        """Every complete line."""
        try:
            *whole, _ = (self._rooms / f"{room}.jsonl").read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        return [_decoded(line) for line in whole]

    def _append(self, room: str, line: dict[str, Any]) -> int:
        """Its number."""
        path = self._rooms / f"{room}.jsonl"
        with path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            number = file.read().count(b"\n") + 1
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return number


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = None
    return value if isinstance(value, dict) else {"who": getpass.getuser(), "text": line.decode("utf-8", "replace")}


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
