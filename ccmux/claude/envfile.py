"""The instance's `.env`: what Claude gets beside its configuration, one KEY=value a line, mode 0600."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ccmux.errors import ConfigError

API_KEY: Final = "ANTHROPIC_API_KEY"
AUTH_TOKEN: Final = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105 - a variable's name
OAUTH_TOKEN: Final = "CLAUDE_CODE_OAUTH_TOKEN"  # noqa: S105 - a variable's name
SECRETS: Final = (API_KEY, AUTH_TOKEN, OAUTH_TOKEN)
"""These never enter Claude's environment or argv; see `ccmux.claude.login`."""
WITHHELD: Final = (*SECRETS, "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
"""Nor do these, of a gateway of the instance's own: whoever has them speaks in its name."""
TAKEN: Final = (
    *SECRETS,
    "ANTHROPIC_BASE_URL",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
)
"""What `ccmux new` takes over from the environment that it runs in."""
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def taken(environment: Mapping[str, str]) -> dict[str, str]:
    """The values of an environment that belong into a new instance's `.env`."""
    return {key: environment[key] for key in TAKEN if environment.get(key) and "\n" not in environment[key]}


def render(values: Mapping[str, str]) -> str:
    """The text of an `.env`."""
    head = "# Read by ccmux at every start of the session. KEY=value, one a line; keep this file 0600.\n"
    return head + "".join(f"{key}={_quoted(value)}\n" for key, value in values.items())


def load(path: Path) -> dict[str, str]:
    """The values; none when there is no file. Quotes around a whole value are taken off, `export ` is allowed."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8", file=os.fspath(path), fix=f"edit {path}") from None
    values = {}
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip().removeprefix("export ")
        if not bare or bare.startswith("#"):
            continue
        key, equals, value = bare.partition("=")
        if not equals or not _KEY.fullmatch(key.strip()):
            raise ConfigError("a line must be KEY=value", file=os.fspath(path), line=number, fix=f"edit {path}")
        values[key.strip()] = _unquoted(value.strip())
    return values


def _quoted(value: str) -> str:
    """In quotes where `load` would take something off."""
    return f'"{value}"' if value != _unquoted(value.strip()) else value


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":  # noqa: PLR2004 - two quotes
        return value[1:-1]
    return value
