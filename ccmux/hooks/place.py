"""What Claude runs at its hooks stands in the instance's own home, so that it outlives the release that put it there:
a Claude keeps the commands that it was started with, while ccmux is upgraded and older releases are deleted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from ccmux.files import write_private

_PROGRAMS: Final = ("entry.py", "mcp.py", "permit.py", "statusline.py")


def place(directory: Path) -> None:
    """Have this release's programs and this Python there. Each is replaced whole: a hook may run at any moment."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _PROGRAMS:
        content = Path(__file__).with_name(name).read_bytes()
        there = directory / name
        if not there.is_file() or there.read_bytes() != content:
            write_private(there, content)
    link = directory / "python"
    if not link.is_symlink() or os.readlink(link) != sys.executable:  # noqa: PTH115 - the text, not a path
        beside = directory / f".python.{os.getpid()}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(sys.executable)
        beside.replace(link)
