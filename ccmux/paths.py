"""Where an instance keeps what. Environment in, paths out; nothing is created here."""

from __future__ import annotations

import os
from pathlib import Path

from ccmux.errors import CcmuxError

SOCKET_PATH_LIMIT = 103
"""Usable bytes of a Unix socket path: 107 on Linux, 103 on macOS (sun_path); the smaller counts everywhere."""

MAIN = "main"
"""The assistant's name; its home is `~/.ccmux`, every other instance's is `~/.ccmux-NAME`."""


def base() -> Path:
    """The directory that holds the homes: `$CCMUX_HOME`, else `$HOME`."""
    return Path(os.environ.get("CCMUX_HOME") or os.environ.get("HOME") or os.path.expanduser("~")).absolute()  # noqa: PTH111


def shared() -> Path:
    """What the instances of a person have in common: marks, no state. It may be deleted."""
    return base() / ".cache" / "ccmux"


def versions() -> Path:
    """Where `ccmux upgrade` puts releases, each in a directory of its own; `current` there is a link to one."""
    return base() / ".local" / "share" / "ccmux" / "versions"


def gateways() -> Path:
    """The directory of the homes of all gateways of a person."""
    return base() / ".local" / "share" / "ccmux" / "gateways"


class InstancePaths:
    """Every path of one instance, derived from its home. (No dataclass: that import costs `send` a third of its time.)"""

    __slots__ = ("home", "name")

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.home = home

    @classmethod
    def of(cls, name: str) -> InstancePaths:
        """The paths of the instance of that (already checked) name under `base()`."""
        return cls(name, base() / (".ccmux" if name == MAIN else f".ccmux-{name}"))

    @property
    def config(self) -> Path:
        return self.home / "ccmux.toml"

    @property
    def env(self) -> Path:
        return self.home / ".env"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def journal(self) -> Path:
        return self.data / "journal.db"

    @property
    def inbox(self) -> Path:
        """Files that came with messages, and messages too long to be typed; its own Claude may read them."""
        return self.home / "inbox"

    @property
    def outgoing(self) -> Path:
        """Copies of the files that go with answers."""
        return self.data / "outgoing"

    @property
    def hook_spool(self) -> Path:
        return self.data / "hooks"

    @property
    def hooks(self) -> Path:
        """What Claude runs at its hooks: programs of ours, and a link to the Python that runs them."""
        return self.data / "hook"

    @property
    def cost_spool(self) -> Path:
        """What Claude's status line told of the cost and the daemon has not read yet."""
        return self.data / "cost"

    @property
    def claude(self) -> Path:
        """Claude Code's own configuration directory (CLAUDE_CONFIG_DIR)."""
        return self.home / "claude"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def daemon_log(self) -> Path:
        return self.logs / "daemon.log"

    @property
    def last_screen(self) -> Path:
        return self.logs / "last-screen.txt"

    @property
    def work(self) -> Path:
        return self.home / "work"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def lock(self) -> Path:
        """Not in `run/`: who wipes that must not have two daemons."""
        return self.data / "daemon.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held by what starts the daemon again when it dies, where no manager of services does."""
        return self.data / "keeper.lock"

    @property
    def gate(self) -> Path:
        """A lock that the daemon holds while it presses Enter, and every tool of Claude passes; see `ccmux.hooks.gate`."""
        return self.run / "gate"

    @property
    def draft(self) -> Path:
        """The latest draft of a person that was set aside for a message, in case Claude dies before it is put back."""
        return self.data / "draft.txt"

    @property
    def started_binary(self) -> Path:
        """Which `claude` was started: its path, and the identity of the file behind it."""
        return self.data / "claude-started"

    @property
    def last_word(self) -> Path:
        """Why the latest daemon ended, when that was not by order."""
        return self.data / "daemon-ended.txt"

    @property
    def taken_out(self) -> Path:
        """A person's words that stood behind our text in the box, with the generation, until they are typed again."""
        return self.data / "words.txt"

    @property
    def tmux_server(self) -> Path:
        """The pid and start time of the tmux server, by which it is found when its socket was wiped."""
        return self.data / "tmux-server"

    @property
    def launch_script(self) -> Path:
        return self.run / "launch.sh"

    @property
    def tmux_conf(self) -> Path:
        return self.run / "tmux.conf"

    @property
    def session(self) -> str:
        """The name of the tmux session on the instance's own server."""
        return f"ccmux-{self.name}"

    @property
    def socket_record(self) -> Path:
        """Holds the directory of the sockets when `run/` is too deep for one."""
        return self.run / "sockets"

    def sockets(self) -> Path:
        """The directory of `tmux.sock` and `control.sock`: `run/`, or the short one recorded there."""
        if _fits(self.run):
            return self.run
        try:
            return Path(self.socket_record.read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            return self.short_sockets()

    def short_sockets(self) -> Path:
        """The short directory to use when `run/` is too deep; fails when the machine offers none."""
        from hashlib import sha256  # noqa: PLC0415 - hardly ever needed, and dear

        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        short = Path(runtime or "/nonexistent") / "ccmux" / sha256(os.fsencode(self.home)).hexdigest()[:8]
        if not runtime or not _fits(short):
            raise CcmuxError(
                f"{self.run} is too long a path for a Unix socket ({SOCKET_PATH_LIMIT} bytes at most)",
                fix="set CCMUX_HOME to a shorter directory, or XDG_RUNTIME_DIR to your runtime directory",
            )
        return short

    @property
    def tmux_socket(self) -> Path:
        return self.sockets() / "tmux.sock"

    @property
    def control_socket(self) -> Path:
        return self.sockets() / "control.sock"


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory / "control.sock")) <= SOCKET_PATH_LIMIT
