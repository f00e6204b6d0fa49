"""What `ccmux doctor` says of the services."""

from __future__ import annotations

from collections.abc import Iterator

from ccmux.errors import CcmuxError
from ccmux.fleet.doctor import Check
from ccmux.managers import installing


def examine() -> Iterator[Check]:
    """Whether instances come back by themselves, and whether the services are of this release."""
    try:
        told = installing.report()
    except CcmuxError as error:
        yield Check("services", "error", error.what, error.fix)
        return
    if told.manager == "detached":
        yield Check("services", "ok", "instances do not start by themselves after a boot (ccmux service install)")
        return
    stale = [file for file in told.files if file.state != "current"]
    for file in stale:
        yield Check(
            "services", "warn", f"{file.path} {file.state}: not as this release has it", "ccmux service install"
        )
    for note in told.notes:
        level = "warn" if told.manager == "systemd" else "ok"  # launchd has no other way for a person
        yield Check("services.boot", level, note, "ccmux service install")
    failed = [unit for _, unit in told.units if unit.state == "failed"]
    for unit in failed:
        yield Check("services", "error", f"{unit.name} has failed", "ccmux service status")
    if not stale and not failed:
        yield Check("services", "ok", f"services of {told.manager} ({told.flavour}) keep {len(told.units)} units")
