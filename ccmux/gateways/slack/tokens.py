"""The two tokens of an app: where they are read, and that nobody ever reads them in a log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from ccmux import paths
from ccmux.claude import envfile
from ccmux.errors import ConfigError
from ccmux.gateways.home import Home

BOT: Final = "SLACK_BOT_TOKEN"
APP: Final = "SLACK_APP_TOKEN"
SIGNING: Final = "SLACK_SIGNING_SECRET"
"""Accepted, and of no use in Socket Mode."""
_SHAPES: Final = {
    BOT: (re.compile(r"xoxb-[A-Za-z0-9-]{8,250}"), "xoxb-"),
    APP: (re.compile(r"xapp-[A-Za-z0-9-]{8,250}"), "xapp-"),
}
_APP_ID: Final = re.compile(r"xapp-[0-9]+-([A-Z0-9]{3,30})-")
_SECRET: Final = re.compile(r"\bx(?:ox[a-z]|app)[.-][A-Za-z0-9.-]+|(?<=ticket=)[^&\s'\"]+|(?<=Bearer )\S+")
_LOG: Final = "ccmux.gateways.slack"
_HIDDEN: Final = "(hidden)"


class Tokens(msgspec.Struct, frozen=True):
    """Never shown: neither `repr` nor an error tells them."""

    bot: str
    app: str

    @property
    def identity(self) -> str:
        """The app, by which Slack tells connections apart: what it hands to one of them it hands to no other."""
        found = _APP_ID.match(self.app)
        return found[1] if found else blake2b(self.app.encode(), digest_size=8).hexdigest()

    def __repr__(self) -> str:
        return "Tokens(hidden)"

    __str__ = __repr__


def load(home: Home) -> Tokens:
    """From the gateway's `.env`, or that of the instance whose own app it is. Raises ConfigError."""
    files = [home.env, *([paths.InstancePaths.of(home.own).env] if home.own else [])]
    for file in files:
        values = envfile.load(file)
        if values.get(BOT) or values.get(APP):
            return checked(values.get(BOT, ""), values.get(APP, ""), file)
    raise ConfigError(f"there is no {BOT} in it", file=str(files[-1]), fix=f"ccmux slack setup{_of(home)}")


def checked(bot: str, app: str, file: Path) -> Tokens:
    """The pair, if each looks as it must. Raises ConfigError, which says which is wrong and nothing of its value."""
    for key, value in ((BOT, bot), (APP, app)):
        shape, start = _SHAPES[key]
        if shape.fullmatch(value):
            continue
        other = next((name for name, (pattern, _) in _SHAPES.items() if pattern.fullmatch(value)), "")
        if other:
            what = f"is a {other}: the two were exchanged"
        elif value.startswith(start):
            what = "is not whole, or has more than the token: copy it again"
        else:
            what = f"must begin with {start}" if value else "is missing"
        raise ConfigError(what, file=str(file), key=key, fix=f"edit {file}")
    return Tokens(bot, app)


def _of(home: Home) -> str:
    return f" {home.own}" if home.own else ""


def hidden(text: str, values: Iterable[str] = ()) -> str:
    """The text without these values and without anything that looks like a token."""
    for value in values:
        text = text.replace(value, _HIDDEN)
    return _SECRET.sub(_HIDDEN, text)


class Hide(logging.Filter):
    """Takes tokens out of records, also out of their tracebacks, and slack_sdk's tracebacks altogether."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._values = (tokens.bot, tokens.app)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = hidden(record.getMessage(), self._values)
        record.args = ()
        if record.exc_info and "slack_sdk" in record.pathname:  # its sentences tell the error already
            record.exc_info = None
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = hidden(record.exc_text, self._values)
        return True


def logger(tokens: Tokens) -> logging.Logger:
    """For slack_sdk to log to. aiohttp's and asyncio's own loggers hide the same from here on."""
    hide = Hide(tokens)
    names = ("aiohttp.client", "aiohttp.internal", "aiohttp.websocket", "asyncio")
    for name in (_LOG, *names):
        one = logging.getLogger(name)
        for old in [each for each in one.filters if isinstance(each, Hide)]:
            one.removeFilter(old)
        one.addFilter(hide)
    ours = logging.getLogger(_LOG)
    ours.setLevel(logging.INFO)
    return ours
