"""`ccmux approve CODE`."""

from __future__ import annotations

import click

from ccmux.cli.decide import decide


@click.command()
@click.argument("name", metavar="CODE|ID")
@click.option("--session", is_flag=True, help="The same again needs no question in this conversation.")
@click.option(
    "--answer", "answers", multiple=True, help="To a question: an option's number, or text; once for each part."
)
@click.option("--reason", default="", help="Is written down.")
def command(name: str, session: bool, answers: tuple[str, ...], reason: str) -> int:
    """Allow what Claude asks for, or answer its question."""
    print(decide(name, "approve", session=session, answers=answers, reason=reason))
    return 0
