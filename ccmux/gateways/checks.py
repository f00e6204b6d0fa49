"""What `ccmux doctor` says of the gateways."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ccmux.errors import CcmuxError
from ccmux.fleet.doctor import Check
from ccmux.gateways import binding, config, report
from ccmux.gateways.home import Home, homes


def examine() -> Iterator[Check]:
    """Of each that was set up."""
    for home in homes():
        try:
            yield from _one(home)
        except CcmuxError as error:
            yield Check(f"{home.name}.gateway", "error", error.what, error.fix)


def mend() -> None:
    """Take from others the right to read tokens and messages."""
    for home in homes():
        for path in _open_to_others(home):
            if path.stat().st_uid == os.geteuid():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)


def _one(home: Home) -> Iterator[Check]:
    spec = config.read(home.config)
    wrong = _open_to_others(home)
    for path in wrong:
        mode = stat.S_IMODE(path.stat().st_mode)
        yield Check(
            f"{home.name}.modes", "error", f"{path} has mode {mode:o}: others can read it", f"chmod go-rwx {path}"
        )
    if not wrong:
        yield Check(f"{home.name}.modes", "ok", "only you can read its tokens and messages")
    yield _state(home)
    now = report.of(home)
    if now["rivals"]:
        yield Check(
            f"{home.name}.rivals",
            "warn",
            f"{now['rivals']} other connections of the same app take messages away",
            "end the one on another machine, or of another home; or make an app for each (ccmux slack manifest)",
        )
    if now["dead"]:
        yield Check(
            f"{home.name}.dead", "warn", f"{now['dead']} posts were given up", f"ccmux gateway dead {home.name}"
        )
    strangers = [one for one in report.dropped(home, report.DAY) if "stranger" in one.reason]
    if strangers:
        many = f"{len(strangers)} messages of {len({one.sender for one in strangers})} strangers were dropped in the last day"
        yield Check(f"{home.name}.strangers", "warn", many, "ccmux channel drops; ccmux channel allow ID lets one in")
    for instance in report.unbound(spec):
        fix = f"ccmux channel unbind {instance} --gateway {home.name}"
        yield Check(f"{home.name}.{instance}", "error", f"a room is bound to {instance}, which does not exist", fix)
    if not binding.heard(spec.access):
        fix = f"ccmux channel allow ID --operator --gateway {home.name}"
        yield Check(f"{home.name}.access", "warn", "nobody is heard", fix)


def _state(home: Home) -> Check:
    now = report.of(home)
    account, reason = now["account"], now["reason"]
    what = now["state"] + (f" as {account}" if account else "") + (f": {reason}" if reason else "")
    if now["state"] == "up":
        return Check(f"{home.name}.state", "ok", what)
    level = "error" if now["state"] == "credentials" else "warn"
    return Check(f"{home.name}.state", level, what, now["fix"] or f"ccmux gateway ls; {home.log}")


def _open_to_others(home: Home) -> list[Path]:
    found = [home.path, home.env, home.spool, home.files, home.log]
    return [
        path for path in found if path.exists() and (path.stat().st_mode & 0o077 or path.stat().st_uid != os.geteuid())
    ]
