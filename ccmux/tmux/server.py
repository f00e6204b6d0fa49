"""The tmux server of one instance: its configuration, its start, and single commands to it by process.

For set-up and for moments without a control connection. The hot path is `ccmux.tmux.control`.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ccmux.errors import Missing, TmuxError, TmuxGone
from ccmux.model.instance import TerminalSpec

DEADLINE: Final = 10.0
"""Seconds for one tmux process. A tmux that does not answer is unknown, not gone."""
_GONE: Final = (
    "no server running",
    "can't find session",
    "no sessions",
    "no current target",
    "(No such file or directory)",
    "(Connection refused)",
)

_ENDING: Final = "server exited unexpectedly"
_TRIES: Final = 5

_CONF: Final = """\
# Made by ccmux at every start of the session; edit [terminal] in ccmux.toml instead.
set -g default-terminal "tmux-256color"
set -g history-limit {history}
set -g remain-on-exit on
set -g exit-empty off
set -g destroy-unattached off
set -g set-clipboard off
set -g allow-passthrough off
set -g escape-time 10
set -g focus-events on
set -g mouse on
set -g status on
set -g status-interval 0
set -g status-left "[ccmux] "
set -g status-right "detach: prefix d "
set -g set-titles off
set -g automatic-rename off
set -g allow-rename off
bind-key -n C-z display-message "Ctrl+Z is not passed on: there is no shell below Claude. Detach: prefix d"
set -g update-environment ""
"""


def is_gone(said: str) -> bool:
    """Whether tmux's words mean that there certainly is no such server or session. ("server exited unexpectedly" does
    not: a living server of another version says it, too.)
    """
    return any(words in said for words in _GONE)


def tmux_binary() -> str:
    """The path of tmux."""
    found = shutil.which("tmux")
    if found is None:
        raise Missing("tmux is not installed", fix="install the package tmux (ccmux doctor --fix)")
    return found


async def reap(process: asyncio.subprocess.Process) -> None:
    """Kill a tmux client and wait for it, but not for its pipes: a hung server holds a copy of them for ever."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no other way to let go of pipes
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await process.wait()


def configuration(spec: TerminalSpec) -> str:
    """The text of the server's own configuration file: the person's ~/.tmux.conf is not read."""
    return _CONF.format(history=spec.history)


class Server:
    """Commands to the server on one socket. `environment` is all that a server started here inherits."""

    def __init__(self, socket: Path, conf: Path, environment: dict[str, str]) -> None:
        self.socket = socket
        self._conf = conf
        self.environment = environment

    @property
    def argv(self) -> list[str]:
        return [tmux_binary(), "-S", str(self.socket), "-f", str(self._conf)]

    async def run(self, *args: str, start_server: bool = False) -> str:
        """One tmux process; its output.

        Raises TmuxGone when there certainly is no such server or session.
        """
        for _ in range(_TRIES):
            try:
                return await self._run(args, start_server)
            except TmuxError as error:
                if _ENDING not in error.what:
                    raise
            await asyncio.sleep(0.05)  # a server that is just ending will soon be gone
        return await self._run(args, start_server)

    async def _run(self, args: tuple[str, ...], start_server: bool) -> str:
        process = await asyncio.create_subprocess_exec(
            *self.argv,
            *([] if start_server else ["-N"]),
            *args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
        )
        try:
            async with asyncio.timeout(DEADLINE):
                out, err = await process.communicate()
        except TimeoutError:
            await reap(process)
            raise TmuxError(f"tmux {args[0]} did not answer within {DEADLINE:.0f} s", fix="ccmux doctor") from None
        if process.returncode:
            said = err.decode("utf-8", "replace").strip()
            kind = TmuxGone if is_gone(said) else TmuxError
            raise kind(f"tmux {args[0]} failed: {said or process.returncode}", fix="ccmux doctor")
        return out.decode("utf-8", "replace")

    async def has_session(self, name: str) -> bool:
        """Whether the session is there. Fails when that cannot be known."""
        try:
            await self.run("has-session", "-t", f"={name}")
        except TmuxGone:
            return False
        return True

    async def new_session(
        self,
        name: str,
        spec: TerminalSpec,
        command: list[str],
        options: Mapping[str, str],
        *,
        start_server: bool = True,
    ) -> None:
        """A session whose only pane runs `command`; pane options are set with it.

        The server is started if need be; without `start_server` TmuxGone is raised while there is none.
        """
        size = ["-x", str(spec.width), "-y", str(spec.height)]
        sets: list[str] = []
        for key, value in options.items():
            sets += [";", "set-option", "-p", "-t", f"={name}:", key, value]
        new = ["new-session", "-d", "-s", name, "-n", "claude", *size, *command, *sets]
        await self.run(*new, start_server=start_server)

    async def kill(self) -> None:
        """End the server and every process in it; none being there is fine."""
        with contextlib.suppress(TmuxGone):
            await self.run("kill-server")
