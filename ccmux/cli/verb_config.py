"""`ccmux config show|set|edit|check NAME`."""

from __future__ import annotations

import os
import shlex
import subprocess

import click

from ccmux.cli.instances import INSTANCE
from ccmux.config.dump import effect, show, value_of, with_values
from ccmux.config.load import load
from ccmux.errors import CcmuxError
from ccmux.files import write_private
from ccmux.fleet import registry


@click.group()
def command() -> None:
    """Show, set, edit or check the configuration of an instance."""


@command.command("show")
@click.argument("name", type=INSTANCE)
def show_(name: str) -> int:
    """Print the whole configuration, with every default."""
    print(show(load(registry.existing(name).config)), end="")
    return 0


@command.command("set")
@click.argument("name", type=INSTANCE)
@click.argument("key")
@click.argument("value")
def set_(name: str, key: str, value: str) -> int:
    """Set one key (as claude.model), keeping the comments of the file, and say what takes effect when."""
    paths = registry.existing(name)
    text = paths.config.read_text(encoding="utf-8")
    new = with_values(text, str(paths.config), {key: value_of(key, value)})
    write_private(paths.config, new.encode())
    print(f"{name}: {key} is set; it takes effect {effect(key, name)}")
    return 0


@command.command()
@click.argument("name", type=INSTANCE)
def edit(name: str) -> int:
    """Open it in $EDITOR; what is wrong is told, and nothing that runs is touched."""
    paths = registry.existing(name)
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        code = subprocess.run([*shlex.split(editor), str(paths.config)], check=False).returncode
    except OSError as error:
        raise CcmuxError(f"{editor} does not run: {error}", fix="set EDITOR to an editor that is installed") from error
    if code:
        raise CcmuxError(f"{editor} ended with {code}; nothing more was done", fix=f"ccmux config check {name}")
    load(paths.config)
    print(f"{name}: the configuration is right; ccmux restart {name} --session makes all of it take effect")
    return 0


@command.command()
@click.argument("name", type=INSTANCE)
def check(name: str) -> int:
    """Say whether it is right."""
    paths = registry.existing(name)
    load(paths.config)
    print(f"{name}: {paths.config} is right")
    return 0
