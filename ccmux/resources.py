"""The data files of the project: `instances/`, `templates/`, `systemd/`, `launchd/`.

A wheel carries them in `ccmux/_share`; in a checkout they stand beside the package.
"""

from __future__ import annotations

from pathlib import Path

from ccmux.errors import Missing

_PACKAGE = Path(__file__).parent


def resource(kind: str, name: str = "") -> Path:
    """The path of a data file (or of a whole kind); fails when this installation lacks it."""
    for root in (_PACKAGE / "_share", _PACKAGE.parent):
        path = root / kind / name if name else root / kind
        if path.exists():
            return path
    raise Missing(f"this installation of ccmux lacks {kind}/{name}", fix="install ccmux again")
