"""`ccmux send NAME TEXT|- [--file PATH]... [--wait [--timeout S]] [--json]`: a message, journalled before this returns."""

from __future__ import annotations

import os
import sys
from typing import Any

from ccmux.cli.render import as_json
from ccmux.errors import CcmuxError, NotAnswered, UsageError, WaitTimedOut
from ccmux.fleet.client import Client
from ccmux.model.ids import instance_name
from ccmux.paths import InstancePaths

HELP = "Send a message; with --wait print the reply."
USAGE = "ccmux send NAME TEXT|- [--file PATH]... [--wait [--timeout SECONDS]] [--json]"


class _Asked:
    """What the words of the command line mean. (No dataclass: that import costs a third of the whole verb.)"""

    def __init__(self) -> None:
        self.name = ""
        self.text = ""
        self.wait = False
        self.timeout: float | None = None
        self.json = False
        self.files: list[str] = []


def run(words: list[str]) -> int:
    """Send, and wait if asked to."""
    asked = _parse(words)
    outcome: dict[str, Any] = {"v": 1, "id": None, "instance": asked.name, "state": None, "reply": None, "error": None}
    try:
        _send(asked, outcome)
    except CcmuxError as error:
        if not asked.json:
            raise
        outcome["error"] = error.what
        print(as_json(outcome))
        return error.exit_code
    if asked.json:
        print(as_json(outcome))
    elif asked.wait:
        print(outcome["reply"])
    else:
        print(outcome["id"])
    return 0


def _send(asked: _Asked, outcome: dict[str, Any]) -> None:
    paths = InstancePaths.of(instance_name(asked.name))
    with Client(paths) as client:
        taken = client.ask(op="send", text=asked.text, files=asked.files)
        outcome |= {"id": taken["id"], "state": taken["state"]}
        ahead = taken["ahead"]
        if ahead and not asked.json:
            print(f"queued: {ahead} {'message comes' if ahead == 1 else 'messages come'} before it", file=sys.stderr)
        if not asked.wait:
            return
        client.post(op="wait", id=taken["id"])
        try:
            ended = client.answer(asked.timeout)
        except WaitTimedOut:
            what = f"no reply within {asked.timeout:g} s; {taken['id']} is kept and will be answered"
            raise WaitTimedOut(f"{what} ({asked.name} is {_state(paths)})", fix=f"ccmux status {asked.name}") from None
    outcome |= {key: ended[key] for key in ("state", "reply", "error")}
    if ended["state"] != "done":
        raise NotAnswered(f"{taken['id']} ended {ended['state']}: {ended['error']}", fix=f"ccmux history {asked.name}")


def _state(paths: InstancePaths) -> str:
    """What the instance is doing, for a person who waits in vain."""
    with Client(paths) as client:
        one = client.ask(op="status")["instance"]
    why = one["blocked"] or one["reason"]
    return f"{one['state']}, {why}" if why else str(one["state"])


def _parse(words: list[str]) -> _Asked:
    plain: list[str] = []
    asked = _Asked()
    rest = iter(words)
    for word in rest:
        if word == "--":
            plain += rest
        elif word == "--wait":
            asked.wait = True
        elif word == "--json":
            asked.json = True
        elif word == "--file" or word.startswith("--file="):
            asked.files.append(_path(word.partition("=")[2] if "=" in word else next(rest, "")))
        elif word == "--timeout" or word.startswith("--timeout="):
            asked.timeout = _seconds(word.partition("=")[2] if "=" in word else next(rest, ""))
        elif word.startswith("--"):
            raise UsageError(f"ccmux send does not know {word!a}", fix=f"{USAGE}   (a text that begins so: after --)")
        else:
            plain.append(word)
    if len(plain) != 2:  # noqa: PLR2004 - a name and a text
        raise UsageError(
            f"ccmux send takes a name and one text, not {len(plain)} words", fix=f"{USAGE}   (quote the text)"
        )
    if asked.timeout is not None and not asked.wait:
        raise UsageError("--timeout goes with --wait", fix=USAGE)
    asked.name = instance_name(plain[0])
    asked.text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape") if plain[1] == "-" else plain[1]
    if not asked.text.strip():
        raise UsageError("the message is empty", fix=USAGE)
    try:
        asked.text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("the message is not UTF-8", fix="iconv -t UTF-8 converts it") from None
    return asked


def _path(word: str) -> str:
    """The absolute path of a file that is there; the daemon works in another directory."""
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(
            f"the name {word!a} is not UTF-8", fix="rename the file, or send its path in the text"
        ) from None
    if not os.path.isfile(word):  # noqa: PTH113 - pathlib would cost a tenth of the whole verb
        raise UsageError(f"--file takes the path of a file; {word!a} is none", fix=USAGE)
    return os.path.abspath(word)  # noqa: PTH100


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e9:  # noqa: PLR2004 - also excludes nan and inf
        raise UsageError(f"--timeout takes a number of seconds, not {word!a}", fix=USAGE)
    return seconds
