"""The jobs of launchd, made from the files in `launchd/`: values are filled in as data, never as XML. Nothing is written
here.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from xml.parsers.expat import ExpatError

from ccmux.errors import UsageError
from ccmux.managers.program import Program
from ccmux.resources import resource

PARTS: Final = ("session", "daemon")
GATEWAY: Final = "gateway"
_ALWAYS: Final = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin")
"""Where Homebrew and the system keep tmux, git and node: launchd's own PATH lacks the first two."""
_VALUE: Final = re.compile(r"@([A-Z]+)@")


def label(name: str, part: str) -> str:
    """Of the job, and of its file."""
    return f"com.ccmux.{name}.{part}"


def logs(person: Path) -> Path:
    """Where launchd writes what the jobs say before they have a log of their own."""
    return person / "Library" / "Logs" / "ccmux"


def rendered(name: str, program: Program, person: Path, *, system: bool) -> dict[str, str]:
    """Label → the text of its file, for one instance. `person`: the home directory of `program.user`."""
    return _rendered(name, PARTS, program, person, system=system)


def gateway(name: str, program: Program, person: Path, *, system: bool) -> str:
    """The text of the file of a gateway's job."""
    return _rendered(name, (GATEWAY,), program, person, system=system)[label(name, GATEWAY)]


def _rendered(name: str, parts: tuple[str, ...], program: Program, person: Path, *, system: bool) -> dict[str, str]:
    found = {}
    for part in parts:
        values = {
            "LABEL": label(name, part),
            "NAME": name,
            "PROGRAM": program.path,
            "HOME": str(program.home),
            "PERSON": str(person),
            "USER": program.user,
            "PATH": ":".join(dict.fromkeys([*program.search.split(":"), *_ALWAYS])),
            "LANG": program.lang,
            "LOGS": str(logs(person)),
        }
        job = _filled(plistlib.loads(resource("launchd", f"{part}.plist").read_bytes()), values)
        if not system:
            del job["UserName"]
        try:
            found[label(name, part)] = plistlib.dumps(job, sort_keys=False).decode("utf-8")
        except (ValueError, UnicodeError):
            raise UsageError(
                f"{str(program.home)!r} cannot stand in a plist", fix="use a directory without control characters"
            ) from None
    return found


def home_of(file: Path) -> str:
    """The directory of homes that a job of ours was made for; empty when the file is not there, or not ours."""
    try:
        job = plistlib.loads(file.read_bytes())
        return str(job["EnvironmentVariables"]["CCMUX_HOME"])
    except (OSError, plistlib.InvalidFileException, ExpatError, KeyError, TypeError, ValueError):
        return ""


def _filled(value: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - whatever stands in a plist
    """The template with every `@KEY@` replaced, once: what a value holds is never replaced again."""
    if isinstance(value, str):
        return _VALUE.sub(lambda found: values[found[1]], value)
    if isinstance(value, dict):
        return {key: _filled(one, values) for key, one in value.items()}
    return [_filled(one, values) for one in value] if isinstance(value, list) else value
