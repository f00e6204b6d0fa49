"""Files of a manager of services: written only when they change."""

from __future__ import annotations

from pathlib import Path

from ccmux.files import write_private

READABLE = 0o644


def write_if_changed(path: Path, text: str) -> bool:
    """Have the file hold the text; whether it had to be written. Its directory is made."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, content, READABLE)
    path.chmod(READABLE)
    return True
