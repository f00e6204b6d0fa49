"""Files that come with messages: copied into the instance's inbox under names of our own, never executed, never guessed.

Done before the message is journalled, so that a journalled message always has its files; a file whose message was not
journalled is removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ccmux.errors import DiskTrouble, Refused, UsageError
from ccmux.files import WEATHER, write_private
from ccmux.model.ids import MessageId
from ccmux.model.message import Attachment, AttachmentKind

MOST: Final = 10
"""Files with one message."""
_IMAGES: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), ".png"),
    (re.compile(rb"\xff\xd8\xff"), ".jpg"),
    (re.compile(rb"GIF8[79]a"), ".gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), ".webp"),
)
_EXTENSION: Final = re.compile(r"\.[a-z0-9]{1,8}")


@contextlib.contextmanager
def kept(files: Iterable[Attachment]) -> Iterator[None]:
    """Remove the files again when what they belong to could not be journalled."""
    try:
        yield
    except Exception:  # whatever it was: it is raised again, and nothing of it stays
        for one in files:
            Path(one.file).unlink(missing_ok=True)
        raise


def take(inbox: Path, message_id: MessageId, paths: Iterable[str], most_bytes: int) -> tuple[Attachment, ...]:
    """Copy the files. Raises UsageError for what is no readable file, Refused for what is too big or too many."""
    wanted = list(paths)
    if len(wanted) > MOST:
        raise Refused(f"{len(wanted)} files are too many: at most {MOST} go with one message")
    taken: list[Attachment] = []
    with kept(taken):
        for number, path in enumerate(wanted, 1):
            taken.append(_copy(inbox, f"{message_id}-{number}", Path(path), most_bytes))
    return tuple(taken)


def listed(directory: str) -> tuple[str, ...]:
    """The files of a directory, by name. Raises UsageError for what is none, or cannot be read."""
    path = Path(directory)
    if not path.is_absolute():
        raise UsageError(f"{directory!a} is not an absolute path")
    try:
        return tuple(str(one) for one in sorted(path.iterdir()))
    except (OSError, ValueError) as error:
        raise UsageError(f"{directory!a} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _copy(inbox: Path, stem: str, path: Path, most_bytes: int) -> Attachment:
    content = _read(path, most_bytes)
    image = next((extension for pattern, extension in _IMAGES if pattern.match(content)), "")
    suffix = path.suffix.lower()
    extension = image or (suffix if _EXTENSION.fullmatch(suffix) else "")
    file = inbox / f"{stem}{extension}"
    _write(file, content)
    return Attachment(str(file), path.name, AttachmentKind.IMAGE if image else AttachmentKind.FILE, size=len(content))


def _read(path: Path, most_bytes: int) -> bytes:
    """The content of a regular file; a FIFO or device would be read for ever."""
    if not path.is_absolute():
        raise UsageError(f"{path} is not an absolute path")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UsageError(f"{str(path)!a} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise UsageError(f"{path} is not a file")
    with os.fdopen(fd, "rb") as file:
        if found.st_size > most_bytes:
            what = f"{path} has {found.st_size} bytes, at most {most_bytes} are taken (delivery.max_file_bytes)"
            raise Refused(what, fix="send its path in the text instead, if Claude may read it there")
        return file.read(most_bytes + 1)


def _write(file: Path, content: bytes) -> None:
    """Have the file in the inbox. When that cannot be, the message is not taken either: DiskTrouble when it may pass,
    Refused when it will not.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, content)
    except OSError as error:
        why = f"{file} cannot be written: {error.strerror}"
        if error.errno in WEATHER:
            raise DiskTrouble(why, fix=f"make room: df {file.parent}") from error
        raise Refused(why, fix=f"look at it: ls -ld {file.parent}") from error


def write_text(inbox: Path, message_id: MessageId, text: str) -> Attachment:
    """A message too long to be typed, as a file."""
    content = text.encode()
    file = inbox / f"{message_id}.txt"
    _write(file, content)
    return Attachment(str(file), "message", AttachmentKind.TEXT, size=len(content))
