"""Where a gateway keeps what: `~/.local/share/ccmux/gateways/NAME/`, 0700."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ccmux import paths
from ccmux.errors import UsageError

_NAME: Final = re.compile(r"([a-z]+)(?:-([a-z][a-z0-9-]{0,31}))?")


def directory() -> Path:
    """The directory of the homes of all gateways of a person."""
    return paths.gateways()


class Home:
    """Every path of one gateway. `kind` is the service; `own` the instance whose own account it is, or empty."""

    def __init__(self, name: str) -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise UsageError(
                f"{name[:60]!a} cannot name a gateway", fix="ccmux gateway KIND, or KIND-INSTANCE for an app of its own"
            )
        self.name = name
        self.kind = found[1]
        self.own = found[2] or ""
        self.path = directory() / name

    def words(self) -> tuple[str, ...]:
        """What a person says after `ccmux gateway`."""
        return (self.kind, self.own) if self.own else (self.kind,)

    @property
    def config(self) -> Path:
        return self.path / "gateway.toml"

    @property
    def env(self) -> Path:
        """Tokens (0600). Those of an app of its own may as well stand in the instance's `.env`."""
        return self.path / ".env"

    @property
    def spool(self) -> Path:
        return self.path / "spool.db"

    @property
    def files(self) -> Path:
        """What came with messages, until the instance has it."""
        return self.path / "files"

    @property
    def log(self) -> Path:
        return self.path / "gateway.log"

    @property
    def lock(self) -> Path:
        return self.path / "gateway.lock"

    @property
    def health(self) -> Path:
        """How it was when that changed last: JSON, for `doctor` and `channel ls`."""
        return self.path / "health.json"


def homes() -> list[Home]:
    """Every gateway that was set up, by name."""
    found = sorted(path.parent.name for path in directory().glob("*/gateway.toml"))
    return [Home(name) for name in found if _NAME.fullmatch(name)]
