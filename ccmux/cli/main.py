"""Find the verb, run it, and turn an error into one sentence on stderr and an exit code.

`ls`, `send`, `hook` and `run` are found without importing the command-line library: they are called often, or by programs.
"""

from __future__ import annotations

import os
import sys

from ccmux.errors import CcmuxError

_FAST = ("ls", "send", "run", "hook")


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
    from ccmux.errors import UsageError

    if len(words) != 2:  # noqa: PLR2004 - the verb and its argument
        raise UsageError(f"ccmux {words[0]} takes one argument and is called by ccmux itself")
    if words[0] == "run":
        from ccmux.daemon.run import run
        from ccmux.model.ids import instance_name

        run(instance_name(words[1]))
        return 0
    from ccmux.hooks.entry import main as hook

    hook(words[1])
    return 0
