"""How an instance is logged in: decided once, from its `.env`, its own login, and the person's.

Measured on 2.1.329: a key beats an OAuth token, and so does a key helper (which then bills a key, not a subscription);
a helper's answer is sent as `x-api-key` and as `Bearer`; CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR takes the token from a
descriptor that Claude's own tools do not inherit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ccmux.claude.envfile import API_KEY, AUTH_TOKEN, OAUTH_TOKEN

CREDENTIALS = ".credentials.json"


class Kind(StrEnum):
    """The closed set of ways to log in."""

    HELPER = "key by helper"
    TOKEN = "token"  # noqa: S105 - a word, no secret
    SHARED = "shared login"
    OWN = "own login"
    NONE = "not logged in"


@dataclass(frozen=True, slots=True)
class Login:
    """How Claude will log in, and what a person should know about it."""

    kind: Kind
    detail: str
    shadowed: str = ""
    """a credential that is there and will not be used, and why that may cost money"""
    secret: str = ""
    """the name of the `.env` value to use"""
    shared_from: str | None = None
    """CLAUDE_SECURESTORAGE_CONFIG_DIR of the person's login; empty means ~/.claude"""


def person_login(environment: Mapping[str, str]) -> Path:
    """Where the person's own Claude Code keeps its login on Linux."""
    own = environment.get("CLAUDE_CONFIG_DIR")
    return (Path(own) if own else Path(environment.get("HOME", "/nonexistent")) / ".claude") / CREDENTIALS


def decide(env: Mapping[str, str], config_dir: Path, setting: str, environment: Mapping[str, str]) -> Login:
    """`setting` is `claude.login`: auto, shared (the person's, ignoring `.env`) or own (by /login in this instance)."""
    held = [key for key in (AUTH_TOKEN, API_KEY) if env.get(key)]
    own = (config_dir / CREDENTIALS).exists()
    shared = person_login(environment)
    if setting == "auto" and held:
        others = [*held[1:], *([OAUTH_TOKEN] if env.get(OAUTH_TOKEN) else []), *(["own login"] if own else [])]
        return Login(
            Kind.HELPER, f"{held[0]} from .env, given to Claude by a helper", _shadow(held[0], others), held[0]
        )
    if setting == "auto" and env.get(OAUTH_TOKEN):
        return Login(
            Kind.TOKEN, f"{OAUTH_TOKEN} from .env", _shadow(OAUTH_TOKEN, ["own login"] if own else []), OAUTH_TOKEN
        )
    unused = ""
    if setting != "auto" and (held or env.get(OAUTH_TOKEN)):
        unused = f"a credential stands in .env and is not used: claude.login is {setting}"
    if setting == "own" or (setting == "auto" and own):
        return Login(Kind.OWN if own else Kind.NONE, "the instance's own login (/login when attached)", unused)
    if shared.exists() or setting == "shared":
        directory = environment.get("CLAUDE_CONFIG_DIR", "")
        return Login(Kind.SHARED, f"the login in {shared.parent}", unused, shared_from=directory)
    return Login(Kind.NONE, "no credential found: attach and use /login, or put one into .env")


def _shadow(used: str, others: list[str]) -> str:
    if not others:
        return ""
    return f"{used} is used; {', '.join(others)} is there too and is not (a key is billed per token, also beside a subscription)"
