"""The name of an instance as an argument: the shell completes it."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from ccmux.errors import CcmuxError


class InstanceName(click.types.StringParamType):
    """Checked by the verb itself, whose error names the nearest one."""

    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Those that there are."""
        from ccmux.fleet import registry

        said = {*ctx.params.get(param.name or "", ())} if param.nargs == -1 else set()
        try:
            return [
                CompletionItem(name) for name in registry.names() if name.startswith(incomplete) and name not in said
            ]
        except CcmuxError:
            return []


INSTANCE = InstanceName()
