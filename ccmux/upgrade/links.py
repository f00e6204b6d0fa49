"""Symbolic links that lead somewhere at every moment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def point(link: Path, target: Path | str) -> None:
    """Have the link lead there, in one step."""
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)


class Links:
    """Where links led, to be put back."""

    def __init__(self, links: Iterable[Path]) -> None:
        self._before = {link: os.readlink(link) if link.is_symlink() else None for link in links}  # noqa: PTH115 - the text

    def restore(self) -> None:
        """As it was."""
        for link, target in self._before.items():
            if target is None:
                link.unlink(missing_ok=True)
            else:
                point(link, target)
