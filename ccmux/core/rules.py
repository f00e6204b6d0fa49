"""Claude Code's permission rules (`Tool`, `Tool(what)`), read with care: in doubt a rule does not cover.

What Claude itself would allow on top (commands that only read, paths within the work directory) is left to Claude.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any, Final

_RULE: Final = re.compile(r"([A-Za-z0-9_*-]+)(?:\((.*)\))?", re.DOTALL)
EDITORS: Final = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})
_PATHS: Final = ("file_path", "notebook_path", "path")
_HARMLESS: Final = re.compile(r"[ \t](?:2>&1|[12]?> ?/dev/null)(?=[ \t]|\Z)")
_UNSURE: Final = re.compile(r"[$`(){}<>\n\r\\#!~\x00]")
"""What a shell may make anything of."""
_QUOTED: Final = re.compile(r"""(?:[^'"]|(?<![^ \t;&|])(?:'[^']*'|"[^"]*")(?![^ \t;&|]))*""")
"""Quotes are whole words: one that is glued to a word hides from a reader where it begins."""
_JOINS: Final = frozenset({"&&", "||", ";", "|"})


def covers(rules: Iterable[str], tool: str, given: Mapping[str, Any], *, work: str, home: str) -> bool:
    """Whether a rule certainly means this use of the tool. Paths in rules: `//absolute`, `~/of-home`, or below `work`."""
    if tool == "Bash":
        return _command(list(rules), str(given.get("command", "")))
    return any(_one(rule, tool, given, work, home) for rule in rules)


def _one(rule: str, tool: str, given: Mapping[str, Any], work: str, home: str) -> bool:
    found = _RULE.fullmatch(rule.strip())
    if found is None:
        return False
    name, what = found[1], found[2]
    if what is None or what in ("", "*"):
        return _named(name, tool)
    if name == "WebFetch" and tool == name:
        return _domain(what, str(given.get("url", "")))
    if name == tool or (name == "Edit" and tool in EDITORS):
        path = next((str(given[key]) for key in _PATHS if given.get(key)), "")
        return bool(path) and _below(_absolute(path, work, home), what, work, home)
    return False


def _named(name: str, tool: str) -> bool:
    if name == tool or (name == "Edit" and tool in EDITORS):
        return True
    server = name.removesuffix("__*")
    return server.startswith("mcp__") and tool.startswith(f"{server}__")


def _domain(what: str, url: str) -> bool:
    wanted = what.removeprefix("domain:")
    found = re.match(r"https?://([A-Za-z0-9.-]+)(?::\d+)?(?:[/?#]|$)", url)
    return what.startswith("domain:") and found is not None and found[1].lower() == wanted.lower()


def _absolute(path: str, work: str, home: str) -> str:
    if path.startswith("~/"):
        return f"{home}/{path[2:]}"
    return path if path.startswith("/") else f"{work}/{path}"


def _below(path: str, what: str, work: str, home: str) -> bool:
    """Only whole directories (`…/**`) and single files are sure; a path with `..` is not."""
    if ".." in path.split("/"):
        return False
    wanted = what[1:] if what.startswith("//") else _absolute(what.removeprefix("./"), work, home)
    stem = wanted.removesuffix("/**")
    if re.search(r"[*?\[]", stem):
        return False
    return path.startswith(f"{stem}/") if stem != wanted else path == wanted


def _command(rules: list[str], command: str) -> bool:
    """Every part of the command is covered, and no part can be anything else than it seems."""
    wanted = [
        found for found in map(_RULE.fullmatch, map(str.strip, rules)) if found is not None and found[1] == "Bash"
    ]
    if any(found[2] in (None, "", "*") for found in wanted):
        return True
    parts = _parts(command)
    return bool(parts) and all(any(_begins(part, found[2]) for found in wanted) for part in parts)


def _begins(part: str, what: str) -> bool:
    prefix = what.removesuffix(":*").removesuffix(" *")
    return part == prefix or (prefix != what and part.startswith(f"{prefix} "))


def _parts(command: str) -> list[str]:
    """The simple commands of a line; none when it is more than simple commands, joined."""
    text = _HARMLESS.sub("", command.strip())
    if _UNSURE.search(text) or not _QUOTED.fullmatch(text):
        return []
    lexer = shlex.shlex(text, posix=False, punctuation_chars="&|;")
    lexer.whitespace_split = True
    lexer.commenters = ""
    parts: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word in _JOINS:
                parts.append([])
            elif set(word) <= set("&|;"):
                return []
            else:
                parts[-1].append(word)
    except ValueError:
        return []
    return [" ".join(part) for part in parts] if all(parts) else []
