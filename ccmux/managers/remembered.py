"""What `ccmux service install` was told, where the services themselves are files per instance: a later `ccmux new` makes
its own alike.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from ccmux.errors import CcmuxError
from ccmux.managers.program import Program


def file(directory: Path, home: Path) -> Path:
    """One for each directory of homes."""
    return directory / f"services-{sha256(str(home).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}.json"


def text(program: Program) -> str:
    """Of the file."""
    return json.dumps({"v": 1} | asdict(program) | {"home": str(program.home)}, indent=2) + "\n"


def read(directory: Path, home: Path) -> Program | None:
    """What was installed for the homes there; None when nothing was."""
    path = file(directory, home)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["v"] != 1 or told["home"] != str(home):
            return None
        return Program(told["path"], told["search"], told["lang"], home, told["user"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CcmuxError(f"{path} cannot be read: {error}", fix="ccmux service install") from error
