"""`ccmux dashboard`."""

from __future__ import annotations

import click

from ccmux.errors import UsageError


@click.command()
@click.option("--once", is_flag=True, help="Print it once, as a table.")
@click.option("--json", "as_json", is_flag=True, help="With --once, for programs; see docs/PROTOCOL.md.")
@click.option("--web", is_flag=True, help="In a browser on this machine, behind a token.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="With --web; 0: any that is free.")
def command(once: bool, as_json: bool, web: bool, port: int) -> int:
    """See every instance at a glance, and act in place. ? shows the keys."""
    if (as_json and not once) or (port and not web) or (once and web):
        raise UsageError(
            "--json goes with --once, --port with --web, and --once not with --web", fix="ccmux dashboard --help"
        )
    if once:
        from ccmux.dashboard import once as printed

        print(printed.as_json() if as_json else printed.table())
        return 0
    if web:
        from ccmux.dashboard.web.server import serve

        serve(port)
        return 0
    import sys

    from ccmux.dashboard.app import Dashboard

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the dashboard needs a terminal", fix="ccmux dashboard --once")
    app = Dashboard()
    app.run()
    return app.return_code or 0
