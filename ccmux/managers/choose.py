"""Which manager keeps the instances of this home.

CCMUX_MANAGER=systemd|launchd|none decides instead of the operating system; `none` is our own keeper, whatever is installed.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final

from ccmux.errors import UsageError
from ccmux.managers.base import Manager, Services
from ccmux.managers.detached import Detached

_NAMES: Final = ("systemd", "launchd", "none")


def manager() -> Manager:
    """The one whose services are installed for this home (`ccmux service install`); else our own."""
    return installed() or Detached()


def installed() -> Services | None:
    """The manager whose services are installed for this home."""
    kind = _kind()
    if kind == "launchd":
        from ccmux.managers.launchd import Launchd  # noqa: PLC0415 - one of two

        return Launchd.installed()
    if kind == "systemd":
        from ccmux.managers.systemd import Systemd  # noqa: PLC0415 - one of two

        return Systemd.installed()
    return None


def of_this_system(flavour: str, user: str) -> Services | None:
    """The manager that this machine has; None when it has none that ccmux knows."""
    kind = _kind()
    if kind == "launchd":
        from ccmux.managers.launchd import Launchd  # noqa: PLC0415 - one of two

        return Launchd(flavour, user)
    if kind == "systemd" and shutil.which("systemctl"):
        from ccmux.managers.systemd import Systemd  # noqa: PLC0415 - one of two

        return Systemd(flavour)
    return None


def _kind() -> str:
    asked = os.environ.get("CCMUX_MANAGER", "")
    if asked and asked not in _NAMES:
        raise UsageError(f"CCMUX_MANAGER={asked} is none of {', '.join(_NAMES)}", fix="unset CCMUX_MANAGER")
    return asked or ("launchd" if sys.platform == "darwin" else "systemd")
