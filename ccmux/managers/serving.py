"""`ccmux session NAME`: become the tmux server of an instance, in the foreground, for a manager of services.

Where a server of that instance lives already (it was started before the services were installed), wait until it has
ended, then take its place: Claude in it is not disturbed.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import Final

from ccmux.claude.launch import clean_environment
from ccmux.config import changed
from ccmux.config.load import load
from ccmux.errors import ConfigError, NoSuchInstance, TmuxError, TmuxGone
from ccmux.files import write_private
from ccmux.fleet.registry import existing
from ccmux.managers import detached
from ccmux.paths import InstancePaths
from ccmux.processes import started
from ccmux.tmux import survivor
from ccmux.tmux.server import configuration, tmux_binary

_LOOK_EVERY: Final = 2.0
"""Seconds between two looks at a foreign server, where the kernel does not tell of its end."""


def serve(name: str, *, stay: bool = False) -> None:
    """Never returns: the process becomes tmux.

    `stay`: for a manager that would start it again for ever. With wrong configuration it waits until that is changed.
    """
    paths = InstancePaths.of(name)
    known = changed.seen(paths)
    try:
        _serve(existing(name))
    except (ConfigError, NoSuchInstance) as error:
        if not stay:
            raise
        sys.stderr.write(f"ccmux: {error}\n")
        changed.wait(paths, known)
        changed.begin_anew("session", name, "--stay")


def _serve(paths: InstancePaths) -> None:
    os.umask(0o077)
    spec = load(paths.config)
    for directory in (paths.run, paths.sockets()):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _outlive(paths)
    write_private(paths.tmux_conf, configuration(spec.terminal).encode())
    argv = [tmux_binary(), "-D", "-S", str(paths.tmux_socket), "-f", str(paths.tmux_conf)]
    # Since 3.4 tmux moves panes into scopes of their own, out of the reach of our unit, when it finds the user's manager.
    environment = clean_environment(os.environ) | {"DBUS_SESSION_BUS_ADDRESS": "/dev/null"}
    os.chdir("/")
    os.execve(argv[0], argv, environment)  # noqa: S606 - our own argv


def end(name: str) -> None:
    """End Claude in order, then the server; the service's own stop."""
    detached.end_session(existing(name))


def _outlive(paths: InstancePaths) -> None:
    """Wait for the end of a server that is there already."""
    while (pid := _living(paths)) is not None:
        sys.stdout.write(f"the tmux server {pid} of {paths.name} goes on; when it has ended, this takes its place\n")
        sys.stdout.flush()
        _ended(pid)


def _living(paths: InstancePaths) -> int | None:
    if not paths.tmux_socket.exists() and not survivor.revive(paths.tmux_server, paths.tmux_socket):
        return None
    try:
        return int(detached.ask_tmux(paths, "display-message", "-p", "#{pid}"))
    except TmuxGone:
        return None
    except TmuxError as error:
        raise TmuxError(f"{error.what}; it may be hung", fix=f"ccmux stop {paths.name}") from None


def _ended(pid: int) -> None:
    begun = started(pid)
    if sys.platform == "linux":
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            select.select([fd], [], [])
        finally:
            os.close(fd)
        return
    while begun is not None and started(pid) == begun:
        time.sleep(_LOOK_EVERY)
