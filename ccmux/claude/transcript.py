"""Find and follow the transcript of a conversation."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ccmux.errors import UsageError

_END = 2_000_000
"""Bytes at the end of a transcript in which a recent prompt stands."""
_NOT_NAME = re.compile(r"[^A-Za-z0-9]")


def find(config_dir: Path, session_id: str) -> Path | None:
    """The transcript of that conversation, wherever Claude put it; None before its first turn."""
    if not session_id:
        return None
    return next(iter((config_dir / "projects").glob(f"*/{session_id}.jsonl")), None)


def parts(transcript: Path) -> list[Path]:
    """The transcript and those of its subagents, as far as there are any."""
    inside = transcript.with_suffix("")
    return [path for path in (transcript, *sorted(inside.rglob("*.jsonl"))) if path.exists()]


def every(config_dir: Path) -> list[Path]:
    """All transcripts of all conversations, with those of subagents."""
    return sorted((config_dir / "projects").rglob("*.jsonl"))


def living(config_dir: Path, since: float) -> frozenset[str]:
    """The conversations in which something was written since that wall clock."""
    return frozenset(path.stem for path in (config_dir / "projects").glob("*/*.jsonl") if path.stat().st_mtime >= since)


def resumable(config_dir: Path, session_id: str) -> bool:
    """Whether Claude can resume the conversation: it needs a row of a prompt, which is flushed some 0.1 s after it is sent.

    A transcript of headers alone is refused by `--resume` and by `--session-id` too ("already in use"), so it is set
    aside: nothing was said in it.
    """
    path = find(config_dir, session_id)
    if path is None:
        return False
    with path.open("rb") as file:
        if any(b'"type":"user"' in line for line in file):
            return True
    path.rename(path.with_suffix(".jsonl.empty"))
    return False


def directory_name(work: Path) -> str:
    """How Claude names the folder of a work directory: every non-alphanumeric becomes a dash."""
    return _NOT_NAME.sub("-", str(work))


def adopt(source_dir: Path, config_dir: Path, session_id: str, work: Path) -> Path:
    """Copy a conversation of the person's into an instance's configuration; the original stays as it is."""
    source = find(source_dir, session_id)
    if source is None:
        raise UsageError(
            f"there is no conversation {session_id} in {source_dir / 'projects'}",
            fix="`claude --resume` lists your conversations; the id is the name of the .jsonl file",
        )
    target = config_dir / "projects" / directory_name(work)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy2(source, target / source.name)
    if (source.parent / session_id).is_dir():
        shutil.copytree(source.parent / session_id, target / session_id, dirs_exist_ok=True)
    return target / source.name


def holding(config_dir: Path, nonce: str, but: str) -> str:
    """The session, other than `but`, whose transcript holds the nonce; empty when none does. Reads the ends of all."""
    for path in config_dir.glob("projects/*/*.jsonl"):
        if path.stem == but:
            continue
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _END))
            if nonce.encode() in file.read():
                return path.stem
    return ""


class Tail:
    """Complete lines from an offset on. `offset` is where the next unread line begins."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        self._inode: int | None = None

    def lines(self) -> Iterator[bytes]:
        """Every complete line that was not read yet."""
        try:
            found = self.path.stat()
            if found.st_size < self.offset or self._inode not in (None, found.st_ino):
                self.offset = 0  # another file: rows are recognised, so read it from its beginning
            self._inode = found.st_ino
            with self.path.open("rb") as file:
                file.seek(self.offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self.offset += len(line)
                    yield line
        except FileNotFoundError:
            return
