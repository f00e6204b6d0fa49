"""What a person wrote in Slack as plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ccmux.gateways.slack.format.clean import clean

_TOKEN: Final = re.compile(r"<([@#!]?)([^<>|\n]*)(?:\|([^<>\n]*))?>")
_ENTITY: Final = re.compile(r"&(amp|lt|gt);")
_SIGNS: Final = {"amp": "&", "lt": "<", "gt": ">"}


def plain(text: str, mentions: Mapping[str, str], own_id: str) -> str:
    """Tokens as a person reads them: `@name` (by `mentions`, from ids), `#channel`, `label (address)`. The mention of our
    own id at the start is dropped. What looks like a token after that was typed by the person.
    """
    if own_id:
        text = re.sub(rf"\A\s*(?:<@{re.escape(own_id)}(?:\|[^<>\n]*)?>[ \t]*[:,]?\s*)+", "", text)
    shown: list[str] = []
    at = 0
    for found in _TOKEN.finditer(text):
        shown += [_decoded(text[at : found.start()]), _token(found, mentions)]
        at = found.end()
    return clean("".join([*shown, _decoded(text[at:])]))


def _decoded(text: str) -> str:
    return _ENTITY.sub(lambda found: _SIGNS[found[1]], text)


def _token(found: re.Match[str], mentions: Mapping[str, str]) -> str:
    sign, what, name = found[1], found[2], _decoded(found[3] or "")
    if sign == "@":
        return "@" + (_name(mentions.get(what, "")) or _name(name).lstrip("@") or what)
    if sign == "#":
        return "#" + (_name(name).lstrip("#") or what)
    if sign == "!":
        return name or "@" + what.split("^")[0]
    address = _decoded(what)
    bare = address.removeprefix("mailto:").removeprefix("https://").removeprefix("http://").rstrip("/")
    if not name or name.removeprefix("https://").removeprefix("http://").rstrip("/") == bare:
        return name if address.startswith("mailto:") and name else address
    return f"{name} ({address})"


def _name(name: str) -> str:
    """Of a person or a channel: data, and one line."""
    return " ".join(clean(name).split())
