"""From values to the text of a `ccmux.toml`: one key changed with every comment kept, or the whole with all defaults."""

from __future__ import annotations

from typing import Any

import msgspec
import tomli_w
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from ccmux.config.load import keys, kinds, known, nearest, parse
from ccmux.errors import ConfigError, UsageError
from ccmux.model.instance import InstanceSpec

EFFECT = {
    "role": "when the role file is rendered again: at the next start of the session",
    "dir": "at the next start of the session: ccmux restart NAME --session",
    "timezone": "at the next start of the daemon: ccmux restart NAME",
    "budget": "at the next start of the daemon: ccmux restart NAME",
    "report": "at the next start of the daemon: ccmux restart NAME",
    "claude": "at the next start of the session: ccmux restart NAME --session",
    "terminal": "when tmux starts anew: ccmux stop NAME, then ccmux start NAME",
    "delivery": "at the next start of the daemon: ccmux restart NAME",
    "restart": "at the next start of the daemon: ccmux restart NAME",
    "journal": "at the next start of the daemon: ccmux restart NAME",
    "notify": "at the next start of the daemon: ccmux restart NAME",
    "approvals": "at the next start of the session: ccmux restart NAME --session",
    "schedule": "at the next start of the daemon: ccmux restart NAME",
    "briefing": "at the next start of the daemon: ccmux restart NAME",
    "version": "never: it is the version of the file's format",
}


def show(spec: InstanceSpec) -> str:
    """The whole configuration with every default in place."""
    return tomli_w.dumps(msgspec.to_builtins(spec), multiline_strings=False)


def with_values(text: str, file: str, changes: dict[str, Any]) -> str:
    """The text with the dotted keys set; comments and order stay. Checked: a value that does not fit raises ConfigError."""
    parse(text, file)
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"not TOML: {error}", file=file, fix=f"edit {file}") from error
    for key, value in changes.items():
        *tables, name = key.split(".")
        place: Any = document
        for table in tables:
            if table not in place:
                place[table] = tomlkit.table()
            place = place[table]
            if not isinstance(place, (Table, dict)):
                raise ConfigError("is not a table", file=file, key=table, fix=f"edit {file}")
        place[name] = value
    result = tomlkit.dumps(document)
    parse(result, file)
    return result


def value_of(key: str, word: str) -> Any:  # noqa: ANN401 - any TOML value
    """The value that a word of the command line means for a key: TOML if it is, else the word itself as a string."""
    if known(key) not in keys():
        near = nearest(key)
        raise UsageError(
            f"there is no key {key}" + (f"; did you mean {near}?" if near else ""),
            fix="ccmux config show NAME lists all",
        )
    try:
        value = tomlkit.parse(f"v = {word}\n").unwrap()["v"]
    except TOMLKitError:
        return word
    return word if _wants_text(key, value, word) else value


def _wants_text(key: str, value: Any, word: str) -> bool:  # noqa: ANN401 - any TOML value
    """A number or truth value where the key holds text: the person meant the word."""
    if isinstance(value, str):
        return False
    kind = kinds()[known(key)]
    return not _fits(value, kind) and _fits(word, kind)


def _fits(value: Any, kind: Any) -> bool:  # noqa: ANN401 - any TOML value, any type
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def effect(key: str, name: str) -> str:
    """When a change of that key takes effect."""
    return EFFECT[key.partition(".")[0]].replace("NAME", name)
