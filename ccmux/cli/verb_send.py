"""`send` for --help; a call without it takes the short way in `ccmux.cli.main`."""

from __future__ import annotations

import click

from ccmux.cli import send
from ccmux.cli.instances import INSTANCE


@click.command(help=send.HELP)
@click.argument("name", type=INSTANCE)
@click.argument("text", metavar="TEXT|-")
@click.option("--file", "files", multiple=True, metavar="PATH", help="A file or an image to go with it; repeatable.")
@click.option("--wait", is_flag=True, help="Wait for the reply and print it alone on stdout.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Give up waiting (exit 124); the message is kept.")
@click.option("--json", "as_json", is_flag=True, help="For programs; see docs/PROTOCOL.md.")
def command(name: str, text: str, files: tuple[str, ...], wait: bool, timeout: float | None, as_json: bool) -> int:
    """See HELP."""
    words = [*(["--wait"] if wait else []), *(["--json"] if as_json else [])]
    words += [f"--file={file}" for file in files]
    words += ["--timeout", str(timeout)] if timeout is not None else []
    return send.run([*words, "--", name, text])
