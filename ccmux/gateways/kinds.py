"""The kinds of gateways: whatever is installed with an entry point of the group `ccmux.gateways`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final

from ccmux.errors import UsageError
from ccmux.gateways.base import Transport
from ccmux.gateways.home import Home

GROUP: Final = "ccmux.gateways"


def names() -> list[str]:
    return sorted({one.name for one in entry_points(group=GROUP)})


def make(home: Home) -> Transport:
    """The transport of that gateway. Raises UsageError for a kind that nobody installed, ConfigError for a wrong one."""
    found = next(iter(entry_points(group=GROUP, name=home.kind)), None)
    if found is None:
        raise UsageError(
            f"there is no kind of gateway {home.kind!a}", fix=f"one of: {', '.join(names()) or 'none is installed'}"
        )
    factory: Callable[[Home], Transport] = found.load()
    return factory(home)
