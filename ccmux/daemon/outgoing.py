"""Files that go with an answer: copied out of the work directory, so that what is sent later is what was meant."""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from pathlib import Path
from typing import Final

from ccmux.core.outgoing import wanted
from ccmux.files import write_private
from ccmux.model.ids import MessageId

MOST: Final = 10
_SAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_DAY: Final = 86_400.0


class Outgoing:
    """Of one instance. Only what stands in the work directory goes out: nothing hidden, and no way out by a link."""

    def __init__(self, directory: Path, work: Path, most_bytes: int) -> None:
        self._directory = directory
        self._work = work
        self._most_bytes = most_bytes

    def collect(self, text: str, reply: MessageId) -> tuple[str, str]:
        """The text without the lines that ask for files, and the directory with copies of them (empty: none).

        What cannot be sent is told in the text.
        """
        text, paths = wanted(text)
        notes: list[str] = []
        count = 0
        for path in paths:
            try:
                content = self._read(path)
                if count >= MOST:
                    raise ValueError(f"at most {MOST} files go with one answer")
                count += 1
                self._write(reply, f"{count:02}-{_name(path)}", content)
            except (OSError, ValueError) as error:
                notes.append(f"({path[:200]} was not sent: {getattr(error, 'strerror', None) or error})")
        if notes:
            text = "\n\n".join(filter(None, [text, "\n".join(notes)]))
        return text, str(self._directory / reply) if count else ""

    def forget(self, days: float) -> None:
        """Remove what went with answers of long ago."""
        if not days or not self._directory.is_dir():
            return
        for one in self._directory.iterdir():
            if one.lstat().st_mtime < time.time() - days * _DAY:
                shutil.rmtree(one, ignore_errors=True)

    def _read(self, path: str) -> bytes:
        named = Path(path)
        root = self._work.resolve()
        real = (root / named).resolve()
        if not real.is_relative_to(root):
            raise ValueError("it is not in the work directory")
        if any(part.startswith(".") for part in real.relative_to(root).parts):
            raise ValueError("hidden files are not sent")
        fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ValueError("it is not a file")
            if found.st_size > self._most_bytes:
                raise ValueError(
                    f"it has {found.st_size} bytes, at most {self._most_bytes} are sent (delivery.max_file_bytes)"
                )
            return file.read(self._most_bytes + 1)

    def _write(self, reply: MessageId, name: str, content: bytes) -> None:
        to = self._directory / reply
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(to / name, content)


def _name(path: str) -> str:
    return _SAFE.sub("-", Path(path).name).lstrip(".-")[-80:] or "file"
