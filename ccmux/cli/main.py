"""Find the verb, run it, and turn an error into one sentence on stderr and an exit code.

`ls`, `send`, `hook`, `run` and `session` are found without importing the command-line library: they are called often, or
by programs.
"""

from __future__ import annotations

import os
import sys

from ccmux.errors import CcmuxError

_FAST = ("ls", "send", "run", "session", "hook", "migrate")


def main(argv: list[str] | None = None) -> None:
    """The `ccmux` command. Always ends by SystemExit."""
    words = sys.argv[1:] if argv is None else argv
    try:
        code = _run(words)
    except CcmuxError as error:
        print(f"ccmux: {error}", file=sys.stderr)
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 141
    except OSError as error:
        print(f"ccmux: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _run(words: list[str]) -> int:
    if "_CCMUX_COMPLETE" in os.environ:
        from ccmux.cli.group import complete

        return complete()
    if words and words[0] in _FAST and not {"-h", "--help"} & set(words[1:]):
        if words[0] == "ls":
            from ccmux.cli import ls

            return ls.run(words[1:])
        if words[0] == "send":
            from ccmux.cli import send

            return send.run(words[1:])
        return _hidden(words)
    from ccmux.cli.group import run

    return run(words)


def _hidden(words: list[str]) -> int:
    """The verbs of managers and upgrades: `run NAME [--no-server] [--stay]`, `session NAME [--end|--stay]`, `hook SPOOL`,
    `migrate FILE`.
    """
    from ccmux.errors import UsageError

    options = {"run": {"--no-server", "--stay"}, "session": {"--end", "--stay"}}
    verb, *rest = words
    given = set(rest[1:])
    if not rest or not given <= options.get(verb, set()) or len(given) != len(rest[1:]) or {"--end", "--stay"} <= given:
        raise UsageError(f"ccmux {verb} takes one argument and is called by ccmux itself")
    if verb == "hook":
        from ccmux.hooks.entry import main as hook

        hook(rest[0])
        return 0
    if verb == "migrate":
        from pathlib import Path

        from ccmux.journal.connection import connect

        connect(Path(rest[0])).close()
        return 0
    from ccmux.model.ids import instance_name

    name = instance_name(rest[0])
    stay = "--stay" in given
    if verb == "run":
        from ccmux.daemon.run import run

        run(name, no_server="--no-server" in given, stay=stay)
        return 0
    from ccmux.managers import serving

    serving.end(name) if "--end" in given else serving.serve(name, stay=stay)
    return 0
