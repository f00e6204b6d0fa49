"""The hook payloads that Claude left, in the order in which they were written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


def pending(spool: Path) -> Iterator[tuple[Path, bytes]]:
    """Every whole payload with its file, oldest first. The caller deletes a file once its meaning is journalled."""
    for file in sorted(spool.glob("[0-9]*.json")):
        with contextlib.suppress(FileNotFoundError):
            yield file, file.read_bytes()


def written_at(file: Path) -> float:
    """Wall clock at which the hook ran, from the file's name."""
    return int(file.name.partition("-")[0]) / 1e9
