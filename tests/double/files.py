"""What Claude Code leaves in files: its registry, its transcript, what its hooks are given; and the ledger of the double."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

VERSION = "2.1.329"
Json = dict[str, Any]


def new_uuid() -> str:
    """A random UUID. (The module `uuid` would cost a tenth of the start.)"""
    digits = f"{int.from_bytes(os.urandom(16), 'big'):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def append(path: str, *values: Json, sync: bool = False) -> None:
    """Lines of JSON at the end of a file, in one write."""
    lines = [json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n" for value in values]
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(fd, "".join(lines).encode())
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def rows_of(path: str) -> Iterator[Json]:
    """Every whole line of a file of JSON lines."""
    try:
        with open(path, "rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield json.loads(line)
    except FileNotFoundError:
        return


class Registry:
    """`sessions/<pid>.json`: what the process says of itself."""

    def __init__(self, config: str, session: str, name: str) -> None:
        os.makedirs(os.path.join(config, "sessions"), exist_ok=True)
        self._path = os.path.join(config, "sessions", f"{os.getpid()}.json")
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            started = file.read().rpartition(")")[2].split()[19]
        self._entry: Json = {
            "pid": os.getpid(),
            "sessionId": session,
            "cwd": os.getcwd(),
            "startedAt": _milliseconds(),
            "procStart": started,
            "version": VERSION,
            "kind": "interactive",
            "entrypoint": "cli",
            "name": name,
        }

    def say(self, status: str) -> None:
        now = _milliseconds()
        temporary = f"{self._path}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(self._entry | {"status": status, "updatedAt": now, "statusUpdatedAt": now}, file)
        os.rename(temporary, self._path)

    def remove(self) -> None:
        os.unlink(self._path)


class Transcript:
    """The conversation. Rows are kept for a while before they are written, as the real one does: a kill loses them."""

    def __init__(self, config: str, session: str) -> None:
        self._session = session
        folder = os.path.join(config, "projects", re.sub(r"[^A-Za-z0-9]", "-", os.getcwd()))
        self.path = os.path.join(folder, f"{session}.jsonl")
        self._folder = folder
        self._kept: list[tuple[Json, Json]] = []
        self._last: str | None = None

    def resumable(self) -> bool:
        return any(row.get("type") == "user" for row in rows_of(self.path))

    def prompts(self) -> Iterator[Json]:
        """Every prompt that stands in the file."""
        for row in rows_of(self.path):
            self._last = row.get("uuid") or self._last
            if row.get("type") == "user" and "promptId" in row:
                yield row

    def user(self, prompt_id: str, text: str, kept: Json) -> None:
        self._row({"promptId": prompt_id, "type": "user", "message": {"role": "user", "content": text}}, kept)

    def interrupted(self) -> None:
        words = [{"type": "text", "text": "[Request interrupted by user]"}]
        self._row({"type": "user", "message": {"role": "user", "content": words}}, {})

    def assistant(self, text: str) -> None:
        message = {
            "id": f"msg_{new_uuid()[:8]}",
            "type": "message",
            "role": "assistant",
            "model": "double",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
        }
        self._row({"message": message, "type": "assistant"}, {})

    def _row(self, row: Json, kept: Json) -> None:
        own = new_uuid()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{_milliseconds() % 1000:03d}Z"
        about = {
            "uuid": own,
            "timestamp": stamp,
            "userType": "external",
            "entrypoint": "cli",
            "cwd": os.getcwd(),
            "sessionId": self._session,
            "version": VERSION,
        }
        self._kept.append(({"parentUuid": self._last, "isSidechain": False, **row, **about}, kept))
        self._last = own

    def flush(self) -> Iterator[Json]:
        """Write what is kept; gives what was to be known of each row, once it stands in the file."""
        if self._kept and not os.path.exists(self.path):
            os.makedirs(self._folder, exist_ok=True)
            append(self.path, {"type": "mode", "mode": "normal", "sessionId": self._session})
        now, self._kept = self._kept, []
        if now:
            append(self.path, *(row for row, _ in now))
        for row, kept in now:
            if kept:
                yield kept | {"uuid": row["uuid"]}


class Hooks:
    """The commands of `--settings`, run as Claude Code runs them: by a shell, the payload on stdin, waited for."""

    def __init__(self, settings: str, common: Json) -> None:
        with open(settings, encoding="utf-8") as file:
            self._hooks: Json = json.load(file).get("hooks", {})
        self._common = common

    def run(self, event: str, **more: Any) -> None:
        payload = json.dumps({**self._common, "hook_event_name": event, **more}, ensure_ascii=False).encode()
        for group in self._hooks.get(event, []):
            for hook in group["hooks"]:
                _run(hook["command"], payload + b"\n")


def _run(command: str, payload: bytes) -> None:
    there, here = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    actions: list[tuple[int, int, int]] = [(os.POSIX_SPAWN_DUP2, there, 0)]
    actions += [(os.POSIX_SPAWN_DUP2, null, one) for one in (1, 2)]
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", f"exec {command}"], os.environ, file_actions=actions)
    os.close(there)
    os.close(null)
    try:
        while payload:
            payload = payload[os.write(here, payload) :]
    except BrokenPipeError:
        pass
    finally:
        os.close(here)
    os.waitpid(pid, 0)


class Ledger:
    """What truly happened, for the checker alone: one fsynced line for every prompt committed and every answer."""

    def __init__(self, path: str | None, session: str) -> None:
        self._path = path
        self._session = session

    def note(self, what: str, **more: Any) -> None:
        if self._path:
            line = {"what": what, "at": time.time(), "pid": os.getpid(), "session": self._session, **more}
            append(self._path, line, sync=True)

    def missing(self, prompts: Iterator[Json]) -> None:
        """A kill between a row and its line here: the row counts."""
        known = {line.get("uuid") for line in rows_of(self._path)} if self._path else set()
        for row in prompts:
            if row["uuid"] not in known:
                text = row["message"]["content"]
                self.note("committed", uuid=row["uuid"], prompt_id=row["promptId"], prompt=text, late=True)


def _milliseconds() -> int:
    return int(time.time() * 1000)
