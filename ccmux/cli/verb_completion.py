"""`ccmux completion bash|zsh|fish`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_CCMUX_COMPLETE"
"""By it the shell asks; see `ccmux.cli.main`."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print what completes verbs, options and names in your shell: eval "$(ccmux completion bash)" in its start-up file."""
    from ccmux.cli.group import program

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has these three
    print(kind(program, {}, "ccmux", VARIABLE).source())
    return 0
