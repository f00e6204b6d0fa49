"""The kinds of gateways: ours, and whatever is installed with an entry point of the group `ccmux.gateways`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from ccmux.errors import UsageError
from ccmux.gateways.base import Transport
from ccmux.gateways.home import Home

GROUP: Final = "ccmux.gateways"
_OURS: Final = (
    EntryPoint("loopback", "ccmux.gateways.loopback:make", GROUP),
    EntryPoint("slack", "ccmux.gateways.slack.transport:make", GROUP),
)


def names() -> list[str]:
    """Those that `ccmux gateway` takes."""
    return sorted({one.name for one in (*_OURS, *entry_points(group=GROUP))})


def make(home: Home) -> Transport:
    """The transport of that gateway. Raises UsageError for a kind that nobody installed, ConfigError for a wrong one."""
    found = next((one for one in (*_OURS, *entry_points(group=GROUP)) if one.name == home.kind), None)
    if found is None:
        raise UsageError(f"there is no kind of gateway {home.kind!a}", fix=f"one of: {', '.join(names())}")
    factory: Any = found.load()
    made: Transport = factory(home)
    return made
