"""From the text of a `ccmux.toml` to an InstanceSpec."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from ccmux.errors import ConfigError
from ccmux.model.instance import InstanceSpec

_AT_LINE: Final = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_AT_KEY: Final = re.compile(r" - at `\$\.?([^`]*)`")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]+)`")


def load(path: Path) -> InstanceSpec:
    """The configuration in the file. Raises ConfigError, and never anything else, when it is not one."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError("there is no such file", file=str(path), fix="ccmux doctor") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError("the file is not UTF-8", file=str(path), line=line, fix=f"edit {path}") from None
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", file=str(path), fix="ccmux doctor") from error
    return parse(text, str(path))


def parse(text: str, file: str) -> InstanceSpec:
    """As `load`, for a text that is not (yet) a file."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        what = _AT_LINE.sub("", str(error)).strip()
        raise ConfigError(f"not TOML: {what}", file=file, line=line, fix=f"edit {file}") from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"not TOML: {str(error)[:120]}", file=file, fix=f"edit {file}") from None
    return convert(table, text, file)


def convert(table: dict[str, Any], text: str, file: str) -> InstanceSpec:
    """Check the values of a parsed file; `text` is used to find the line of a wrong one."""
    try:
        return msgspec.convert(table, InstanceSpec)
    except msgspec.ValidationError as error:
        raise _explain(str(error), text, file) from None


def keys() -> list[str]:
    """Every key that a `ccmux.toml` may have, dotted, in the order of its sections."""
    return list(_keys(InstanceSpec, ""))


def _keys(section: type[msgspec.Struct], prefix: str) -> list[str]:
    found = []
    for field in msgspec.structs.fields(section):
        name = prefix + field.name
        kind = field.type
        found += _keys(kind, name + ".") if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else [name]
    return found


def _explain(said: str, text: str, file: str) -> ConfigError:
    where = _AT_KEY.search(said)
    key = re.sub(r"\[\.*\d*\]", "", where[1]) if where else ""
    what = _AT_KEY.sub("", said)
    unknown = _UNKNOWN.search(what)
    if unknown:
        key = f"{key}.{unknown[1]}" if key else unknown[1]
        near = nearest(key)
        what = "no such key" + (f"; did you mean {near}?" if near else "")
    return ConfigError(
        what, file=file, line=line_of(text, key), key=key, fix=f"edit {file}, or: ccmux config set NAME KEY VALUE"
    )


def nearest(key: str) -> str:
    """The known key that looks most like this one; empty when none does."""
    known = keys()
    whole = difflib.get_close_matches(key, known, 1, 0.6)
    if whole:
        return whole[0]
    last = {name.rpartition(".")[2]: name for name in known}
    part = difflib.get_close_matches(key.rpartition(".")[2], list(last), 1, 0.6)
    return last[part[0]] if part else ""


def line_of(text: str, key: str) -> int:
    """The line in which a dotted key is set (or its table begins); 0 when it is not in the text."""
    table, best, quoted = "", 0, False
    for number, line in enumerate(text.splitlines(), 1):
        inside, quoted = quoted, quoted ^ bool((line.count('"""') + line.count("'''")) % 2)
        if inside:
            continue
        header = re.match(r"\s*\[\[?\s*([^\]#]+?)\s*\]", line)
        if header:
            table = header[1].replace('"', "").replace(" ", "")
            if table == key:
                best = number
            continue
        name = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        here = ".".join(filter(None, (table, name[1].strip("\"'")))) if name else ""
        if here == key:
            return number
        if here and key.startswith(here + ".") and "{" in line:
            best = number  # an inline table
    return best
