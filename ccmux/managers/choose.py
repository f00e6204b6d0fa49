"""Which manager keeps the instances of this home."""

from __future__ import annotations

import shutil
import sys

from ccmux.managers.base import Manager, Services
from ccmux.managers.detached import Detached


def manager() -> Manager:
    """The one whose services are installed for this home (`ccmux service install`); else our own."""
    return installed() or Detached()


def installed() -> Services | None:
    """The manager whose services are installed for this home."""
    if sys.platform == "darwin":
        from ccmux.managers.launchd import Launchd  # noqa: PLC0415 - one of two

        return Launchd.installed()
    from ccmux.managers.systemd import Systemd  # noqa: PLC0415 - one of two

    return Systemd.installed()


def of_this_system(flavour: str, user: str) -> Services | None:
    """The manager that this machine has; None when it has none that ccmux knows."""
    if sys.platform == "darwin":
        from ccmux.managers.launchd import Launchd  # noqa: PLC0415 - one of two

        return Launchd(flavour, user)
    from ccmux.managers.systemd import Systemd  # noqa: PLC0415 - one of two

    return Systemd(flavour) if shutil.which("systemctl") else None
