"""What is missing or wrong here, and the command that mends it. Looks only; `mend` does what is safe to do unasked."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import libtmux
from libtmux.exc import LibTmuxException

from ccmux.claude import binary, envfile
from ccmux.claude.login import Kind, decide
from ccmux.config.load import load
from ccmux.errors import CcmuxError, ConfigError
from ccmux.fifo.pipe import PIPE_BUF, is_fifo
from ccmux.fleet import registry
from ccmux.model.instance import PermissionMode
from ccmux.paths import InstancePaths, base

OLDEST_TMUX: Final = (3, 2)
TRIED_CLAUDE: Final = ("2.1.290", "2.1.300", "2.1.329", "2.1.330")
"""Releases that were seen to hold every fact of docs/CLAUDE-CODE.md."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `level`: ok, warn, error. `mend` does what `fix` says, when that is safe."""

    id: str
    level: str
    message: str
    fix: str = ""
    mend: Callable[[], None] | None = None


def examine() -> list[Check]:
    """Every check of this machine and of every instance."""
    checks = [_python(), _tmux(), _claude(), _git(), _pipe()]
    for name in registry.names():
        checks += _instance(InstancePaths.of(name))
    return checks


def mend(checks: list[Check]) -> list[Check]:
    """Do what can be done unasked, then examine again."""
    for check in checks:
        if check.level != "ok" and check.mend is not None:
            with contextlib.suppress(OSError):
                check.mend()
    return examine()


def _python() -> Check:
    version = platform.python_version()
    return Check("python", "ok", f"Python {version} at {sys.executable}")


def _tmux() -> Check:
    if shutil.which("tmux") is None:
        install = "brew install tmux" if sys.platform == "darwin" else "apt-get install -y tmux"
        root = os.geteuid() == 0 or sys.platform == "darwin"
        act = (lambda: _run(install.split())) if root and shutil.which(install.split(maxsplit=1)[0]) else None
        return Check("tmux", "error", "tmux is not installed", install if root else f"sudo {install}", act)
    try:
        found = libtmux.common.get_version()
    except LibTmuxException as error:
        return Check("tmux", "error", f"tmux does not run: {error}", "install tmux again")
    numbers = tuple(int("".join(filter(str.isdigit, part)) or 0) for part in str(found).split(".")[:2])
    if numbers < OLDEST_TMUX:
        return Check("tmux", "error", f"tmux {found} is too old", "install tmux 3.2 or newer")
    return Check("tmux", "ok", f"tmux {found}")


def _claude() -> Check:
    try:
        path = binary.find("claude")
        version = binary.version(path)
    except CcmuxError as error:
        return Check("claude", "error", error.what, error.fix)
    found = f"Claude Code {version} at {path}"
    if _numbers(version) < _numbers(TRIED_CLAUDE[0]):
        return Check("claude", "error", f"{found} is too old: it loses lines", f"install {TRIED_CLAUDE[-1]} or newer")
    if version not in TRIED_CLAUDE:
        return Check("claude", "ok", f"{found} (not among the releases that were tried: ccmux doctor --probe tries it)")
    return Check("claude", "ok", found)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _git() -> Check:
    if shutil.which("git") is None:
        return Check("git", "warn", "git is not installed: --git cannot work", "install git")
    return Check("git", "ok", "git is there")


def _pipe() -> Check:
    return Check("fifo", "ok", f"a FIFO line has at most {PIPE_BUF} bytes on this system")


def _instance(paths: InstancePaths) -> Iterator[Check]:
    name = paths.name
    try:
        spec = load(paths.config)
        yield Check(f"{name}.config", "ok", f"{paths.config} is right")
    except ConfigError as error:
        yield Check(f"{name}.config", "error", error.what, f"ccmux config edit {name}")
        return
    yield from _modes(paths)
    try:
        yield Check(f"{name}.sockets", "ok", f"sockets in {paths.sockets()}")
    except CcmuxError as error:
        yield Check(f"{name}.sockets", "error", error.what, error.fix)
    yield from _login(paths, spec.claude.login)
    try:
        path = binary.find(spec.claude.command)
        yield Check(f"{name}.claude", "ok", f"{path}")
    except CcmuxError as error:
        yield Check(f"{name}.claude", "error", error.what, f"ccmux config set {name} claude.command PATH")
    if spec.dir and not Path(spec.dir).is_dir():
        yield Check(f"{name}.dir", "error", f"{spec.dir} is not there", f"ccmux config set {name} dir PATH")
    if spec.claude.permission_mode is PermissionMode.BYPASS:
        fix = f"ccmux config set {name} claude.permission_mode ask"
        yield Check(f"{name}.bypass", "warn", "it asks nobody before it uses a tool", fix)
    for fifo in ("in.local", "out.local"):
        if (paths.run / fifo).exists() and not is_fifo(paths.run / fifo):
            yield Check(f"{name}.{fifo}", "error", f"{paths.run / fifo} is not a FIFO", f"ccmux restart {name}")


def _modes(paths: InstancePaths) -> Iterator[Check]:
    wrong = [
        path
        for path in (paths.home, paths.run, paths.data, paths.claude, paths.logs, paths.env)
        if path.exists() and (path.stat().st_mode & 0o077 or path.stat().st_uid != os.geteuid())
    ]
    if not wrong:
        yield Check(f"{paths.name}.modes", "ok", "only you can read its home")
    for path in wrong:
        mode = stat.S_IMODE(path.stat().st_mode)
        yield Check(
            f"{paths.name}.modes",
            "error",
            f"{path} has mode {mode:o}: others can read it",
            f"chmod go-rwx {path}",
            lambda path=path: path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700),  # type: ignore[misc]
        )


def _login(paths: InstancePaths, setting: str) -> Iterator[Check]:
    try:
        login = decide(envfile.load(paths.env), paths.claude, setting, os.environ)
    except ConfigError as error:
        yield Check(f"{paths.name}.login", "error", error.what, error.fix)
        return
    if login.kind is Kind.NONE:
        fix = f"ccmux attach {paths.name}, then /login; or put a credential into {paths.env}"
        yield Check(f"{paths.name}.login", "error", f"not logged in: {login.detail}", fix)
    elif login.shadowed:
        fix = f"remove the one you do not want from {paths.env}"
        yield Check(f"{paths.name}.login", "warn", login.shadowed, fix)
    else:
        yield Check(f"{paths.name}.login", "ok", f"{login.kind}: {login.detail}")


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def where() -> str:
    """The directory of all homes, for the head of the report."""
    return str(base())
