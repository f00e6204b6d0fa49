"""From the text of a `ccmux.toml` to an InstanceSpec."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import msgspec

from ccmux.errors import ConfigError
from ccmux.model.ids import NAME_PATTERN
from ccmux.model.instance import InstanceSpec

_AT_LINE: Final = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_AT_KEY: Final = re.compile(r" - at `\$\.?([^`]*)`")
_AT_NAME: Final = re.compile(r" - at `key` in `\$\.?([^`]*)`")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]+)`")
NAME: Final = "NAME"
"""In a key: the name that a person gives to a table of its own, as in `[schedule.NAME]`."""


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
        raise _explain(str(error), table, text, file) from None


def keys() -> list[str]:
    """Every key that a `ccmux.toml` may have, dotted, in the order of its sections; NAME stands for a name of a table."""
    return list(kinds())


def kinds() -> dict[str, Any]:
    """What may stand behind each of the keys, as a type for msgspec."""
    return _kinds(InstanceSpec, "")


def _kinds(section: type[msgspec.Struct], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(section):
        name = prefix + field.name
        kind = field.type
        if get_origin(kind) is dict:
            name, kind = f"{name}.{NAME}", get_args(kind)[1]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            found |= _kinds(kind, name + ".")
        else:
            found[name] = kind
    return found


def known(key: str) -> str:
    """The key as `keys` has it, with NAME in place of a name."""
    table, _, rest = key.partition(".")
    _, dot, last = rest.partition(".")
    general = f"{table}.{NAME}.{last}"
    return general if dot and general in keys() else key


def _explain(said: str, table: dict[str, Any], text: str, file: str) -> ConfigError:
    named = _AT_NAME.search(said)
    if named:
        key = next((f"{named[1]}.{name}" for name in table[named[1]] if not re.fullmatch(NAME_PATTERN, name)), named[1])
        what = f"{key.partition('.')[2]!a} cannot be a name: one matches {NAME_PATTERN}"
        return ConfigError(what, file=file, line=line_of(text, key), key=key, fix=f"edit {file}")
    where = _AT_KEY.search(said)
    key = re.sub(r"\[\d+\]", "", where[1]) if where else ""
    what = _AT_KEY.sub("", said)
    if "[...]" in key:
        key = _which(table, key).replace("[...]", "")
    unknown = _UNKNOWN.search(what)
    if unknown:
        key = f"{key}.{unknown[1]}" if key else unknown[1]
        near = nearest(key)
        what = "no such key" + (f"; did you mean {near}?" if near else "")
    return ConfigError(
        what, file=file, line=line_of(text, key), key=key, fix=f"edit {file}, or: ccmux config set NAME KEY VALUE"
    )


def _which(table: dict[str, Any], key: str) -> str:
    """The key with the name of the first table that is wrong, of which msgspec says no more than `[...]`."""
    section, _, rest = key.partition("[...]")
    named = table.get(section)
    for name, value in named.items() if isinstance(named, dict) else ():
        try:
            msgspec.convert({section: {name: value}}, InstanceSpec)
        except msgspec.ValidationError:
            return f"{section}.{name}{rest}"
    return key


def nearest(key: str) -> str:
    """The known key that looks most like this one; empty when none does."""
    section, _, rest = key.partition(".")
    name, _, _ = rest.partition(".")
    every = [one.replace(f"{section}.{NAME}.", f"{section}.{name or NAME}.") for one in keys()]
    whole = difflib.get_close_matches(key, every, 1, 0.6)
    if whole:
        return whole[0]
    last = {name.rpartition(".")[2]: name for name in every}
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
            table = re.sub(r"[\"' ]", "", header[1])
            if table == key.replace(" ", ""):
                best = number
            continue
        name = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        here = ".".join(filter(None, (table, name[1].strip("\"'")))) if name else ""
        if here == key:
            return number
        if here and key.startswith(here + ".") and "{" in line:
            best = number  # an inline table
    return best
