"""Whether a release can do its work here, asked before any daemon runs it: its own doctor, its own probe of Claude Code."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Final

from ccmux.errors import CcmuxError
from ccmux.upgrade.release import Release

_DOCTOR_WITHIN: Final = 120.0
_PROBE_WITHIN: Final = 600.0


def examine(old: Release, new: Release, *, probe: bool) -> None:
    """Raises CcmuxError when the new release finds something wrong that the old one did not."""
    before = {check["id"] for check in _checks(old) if check["level"] == "error"}
    worse = [check for check in _checks(new) if check["level"] == "error" and check["id"] not in before]
    if worse:
        told = "; ".join(f"{check['id']}: {check['message']}" for check in worse)
        raise CcmuxError(f"ccmux {new.version} finds what is wrong for it here: {told}", fix=worse[0]["fix"])
    if not probe:
        return
    failed = [fact["id"] for fact in _facts(new) if fact["holds"] is False]
    if failed and set(failed) - {fact["id"] for fact in _facts(old) if fact["holds"] is False}:
        raise CcmuxError(
            f"ccmux {new.version} does not find in this Claude Code what it relies on: {', '.join(failed)}",
            fix=f"nothing was changed; {new.program} doctor --probe shows it; --no-probe leaves it out",
        )


def _checks(release: Release) -> list[dict[str, Any]]:
    return _ask(release, ["doctor", "--json"], "checks", _DOCTOR_WITHIN)


def _facts(release: Release) -> list[dict[str, Any]]:
    return _ask(release, ["doctor", "--probe", "--json"], "facts", _PROBE_WITHIN)


def _ask(release: Release, words: list[str], key: str, within: float) -> list[dict[str, Any]]:
    try:
        run = subprocess.run(
            [release.program, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=within,
            stdin=subprocess.DEVNULL,
        )
        found: list[dict[str, Any]] = json.loads(run.stdout)[key]
    except (ValueError, KeyError, subprocess.TimeoutExpired) as error:
        raise CcmuxError(
            f"{release.program} {' '.join(words)} failed: {error}", fix="nothing was changed; choose another release"
        ) from None
    return found
